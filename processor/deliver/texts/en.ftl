# The mail that asks a customer how a conversation went. { $workspace } is the workspace's name.
subject = How was your conversation with { $workspace }?
preview = One tap is enough.
heading = How was your conversation with { $workspace }?
question = Tap what fits. You can change it on the page that opens, and say more if you like.
terrible = Terrible
bad = Bad
ok = OK
great = Great
amazing = Amazing
why = You get this mail once, because a conversation of yours with { $workspace } was closed. No answer is needed.
