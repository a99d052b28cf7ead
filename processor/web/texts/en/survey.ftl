# What a customer reads on the page of a survey. { $workspace } is the workspace's name.

question = How was your conversation with { $workspace }?
terrible = Terrible
bad = Bad
ok = OK
great = Great
amazing = Amazing
send-rating = Send rating
change-question = Would you like to change your rating?
change-rating = Change rating
your-rating = Your rating: { $reaction }

comment-question = Would you like to tell us more?
comment-label = Your comment
comment-note = At most { $limit } characters. Once a comment is sent, your rating and your comment are final: neither can be changed.
send-comment = Send comment and finish

saved = Saved: { $reaction }. Thank you!
changed = Changed: your rating is now { $reaction }.
unchanged = Your rating is { $reaction }, as before.
comment-saved = Saved: your comment. Thank you! Your rating and your comment are final now.
sent-before = This form had been sent before, so nothing was changed. Your rating is { $reaction }.
pending = We have received your answer and keep it. It will show here in a moment.
look-again = Look again
locked-note = You have sent a comment, so your rating is final.

refused-locked = Not saved: you have sent a comment, and since then your rating and your comment are final.
refused-too-long = Not saved: your comment has { $count } characters, and at most { $limit } are possible. Your text is still below; please shorten it by { $over }.
refused-deleted = Not saved: this conversation has been deleted and can no longer be rated.
refused-before-reaction = Not saved: please choose a rating first, then send your comment. Your text is still below.
refused-other = Not saved: this survey cannot be answered.
choose-one = Not saved: please choose one of the five ratings.
write-something = Not saved: please write something first.
form-broken = Not saved: the form did not arrive complete. Please send it again.
unavailable = Not saved yet: we cannot take your answer at the moment. It is still in the form below; please send it again in a few seconds.
limited = Not saved yet: too many answers came in a short time. Your answer is still in the form below; please send it again in a minute.

deleted-title = No longer there
deleted-text = This conversation has been deleted and can no longer be rated.
not-found-title = This page is not there
not-found-text = The address may be incomplete. Please open the link in your message once more.
busy-title = Please try again in a minute
busy-text = We cannot show this page at the moment. Nothing is lost.
too-large-title = That was too much
too-large-text = Nothing was saved: what was sent is far longer than any comment may be. Please go back and shorten it.
wrong-form-title = That was not our form
wrong-form-text = Nothing was saved. Please open the link in your message and use the form there.
slow-title = That took too long
slow-text = Nothing was saved: your answer did not arrive in time. Please go back and send it again.

privacy = { $workspace } sees your rating and your comment beside your conversation. This page uses no cookies.

close = Close
