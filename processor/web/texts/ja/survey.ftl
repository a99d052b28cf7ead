question = { $workspace } とのやり取りはいかがでしたか？
terrible = とても悪い
bad = 悪い
ok = 普通
great = 良い
amazing = とても良い
send-rating = 評価を送信
change-question = 評価を変更しますか？
change-rating = 評価を変更
your-rating = あなたの評価：{ $reaction }

comment-question = 詳しくお聞かせいただけますか？
comment-label = コメント
comment-note = { $limit } 文字まで。コメントを送信すると評価とコメントは確定し、どちらも変更できなくなります。
send-comment = コメントを送信して終了

saved = 保存しました：{ $reaction }。ありがとうございました。
changed = 変更しました：現在の評価は「{ $reaction }」です。
unchanged = 評価は「{ $reaction }」のままです。
comment-saved = コメントを保存しました。ありがとうございました。評価とコメントはこれで確定しました。
sent-before = このフォームはすでに送信されているため、何も変更されませんでした。現在の評価は「{ $reaction }」です。
pending = 回答を受け付け、保管しました。まもなくここに表示されます。
look-again = もう一度確認する
locked-note = コメントを送信済みのため、評価は確定しています。

refused-locked = 保存されませんでした：コメントを送信済みのため、評価とコメントは確定しています。
refused-too-long = 保存されませんでした：コメントは { $count } 文字ですが、上限は { $limit } 文字です。入力した文章は下に残っています。{ $over } 文字減らしてください。
refused-deleted = 保存されませんでした：このやり取りは削除されたため、評価できません。
refused-before-reaction = 保存されませんでした：先に評価を選んでから、コメントを送信してください。入力した文章は下に残っています。
refused-other = 保存されませんでした：このアンケートには回答できません。
choose-one = 保存されませんでした：5 つの評価から 1 つを選んでください。
write-something = 保存されませんでした：先に何か入力してください。
form-broken = 保存されませんでした：フォームが完全に届きませんでした。もう一度送信してください。
unavailable = まだ保存されていません：現在、回答を受け付けられません。入力内容は下のフォームに残っています。数秒後にもう一度送信してください。
limited = まだ保存されていません：短時間に多くの回答が届きました。入力内容は下のフォームに残っています。1 分後にもう一度送信してください。

deleted-title = すでにありません
deleted-text = このやり取りは削除されたため、評価できません。
not-found-title = このページはありません
not-found-text = アドレスが途中で切れている可能性があります。メッセージのリンクをもう一度開いてください。
busy-title = 1 分後にもう一度お試しください
busy-text = 現在、このページを表示できません。何も失われていません。
too-large-title = 長すぎます
too-large-text = 何も保存されませんでした：送信内容がコメントの上限を大きく超えています。前の画面に戻って短くしてください。
wrong-form-title = このフォームは使えません
wrong-form-text = 何も保存されませんでした。メッセージのリンクを開き、そこにあるフォームを使ってください。
slow-title = 時間がかかりすぎました
slow-text = 何も保存されませんでした：回答が時間内に届きませんでした。前の画面に戻ってもう一度送信してください。

privacy = { $workspace } は、あなたの評価とコメントをやり取りとともに確認します。このページは Cookie を使用しません。

close = 閉じる
