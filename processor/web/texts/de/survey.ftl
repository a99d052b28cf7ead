question = Wie war Ihr Gespräch mit { $workspace }?
terrible = Furchtbar
bad = Schlecht
ok = In Ordnung
great = Gut
amazing = Großartig
send-rating = Bewertung senden
change-question = Möchten Sie Ihre Bewertung ändern?
change-rating = Bewertung ändern
your-rating = Ihre Bewertung: { $reaction }

comment-question = Möchten Sie uns mehr dazu sagen?
comment-label = Ihr Kommentar
comment-note = Höchstens { $limit } Zeichen. Sobald ein Kommentar gesendet ist, sind Bewertung und Kommentar endgültig: Beides lässt sich dann nicht mehr ändern.
send-comment = Kommentar senden und abschließen

saved = Gespeichert: { $reaction }. Vielen Dank!
changed = Geändert: Ihre Bewertung ist jetzt { $reaction }.
unchanged = Ihre Bewertung ist { $reaction }, wie zuvor.
comment-saved = Ihr Kommentar ist gespeichert. Vielen Dank! Bewertung und Kommentar sind jetzt endgültig.
sent-before = Dieses Formular war schon gesendet worden, deshalb wurde nichts geändert. Ihre Bewertung ist { $reaction }.
pending = Wir haben Ihre Antwort erhalten und bewahren sie auf. Gleich ist sie hier zu sehen.
look-again = Noch einmal nachsehen
locked-note = Sie haben einen Kommentar gesendet, deshalb ist Ihre Bewertung endgültig.

refused-locked = Nicht gespeichert: Sie haben einen Kommentar gesendet, und seitdem sind Bewertung und Kommentar endgültig.
refused-too-long = Nicht gespeichert: Ihr Kommentar hat { $count } Zeichen, höchstens { $limit } sind möglich. Ihr Text steht noch unten; bitte kürzen Sie ihn um { $over }.
refused-deleted = Nicht gespeichert: Dieses Gespräch wurde gelöscht und kann nicht mehr bewertet werden.
refused-before-reaction = Nicht gespeichert: Bitte wählen Sie zuerst eine Bewertung und senden Sie dann den Kommentar. Ihr Text steht noch unten.
refused-other = Nicht gespeichert: Diese Umfrage kann nicht beantwortet werden.
choose-one = Nicht gespeichert: Bitte wählen Sie eine der fünf Bewertungen.
write-something = Nicht gespeichert: Bitte schreiben Sie zuerst etwas.
form-broken = Nicht gespeichert: Das Formular kam nicht vollständig an. Bitte senden Sie es noch einmal.
unavailable = Noch nicht gespeichert: Wir können Ihre Antwort gerade nicht annehmen. Sie steht noch unten im Formular; bitte senden Sie sie in einigen Sekunden noch einmal.
limited = Noch nicht gespeichert: In kurzer Zeit kamen zu viele Antworten. Ihre Antwort steht noch unten im Formular; bitte senden Sie sie in einer Minute noch einmal.

deleted-title = Nicht mehr vorhanden
deleted-text = Dieses Gespräch wurde gelöscht und kann nicht mehr bewertet werden.
not-found-title = Diese Seite gibt es nicht
not-found-text = Vielleicht ist die Adresse unvollständig. Bitte öffnen Sie den Link in Ihrer Nachricht noch einmal.
busy-title = Bitte versuchen Sie es in einer Minute noch einmal
busy-text = Wir können diese Seite gerade nicht zeigen. Nichts ist verloren.
too-large-title = Das war zu viel
too-large-text = Nichts wurde gespeichert: Was gesendet wurde, ist viel länger, als ein Kommentar sein kann. Bitte gehen Sie zurück und kürzen Sie ihn.
wrong-form-title = Das war nicht unser Formular
wrong-form-text = Nichts wurde gespeichert. Bitte öffnen Sie den Link in Ihrer Nachricht und benutzen Sie das Formular dort.
slow-title = Das hat zu lange gedauert
slow-text = Nichts wurde gespeichert: Ihre Antwort kam nicht rechtzeitig an. Bitte gehen Sie zurück und senden Sie sie noch einmal.

privacy = { $workspace } sieht Ihre Bewertung und Ihren Kommentar neben Ihrem Gespräch. Diese Seite verwendet keine Cookies.

close = Schließen
