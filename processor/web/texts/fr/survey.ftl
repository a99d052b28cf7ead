question = Comment s’est passée votre conversation avec { $workspace } ?
terrible = Horrible
bad = Mauvaise
ok = Correcte
great = Très bien
amazing = Excellente
send-rating = Envoyer l’évaluation
change-question = Souhaitez-vous modifier votre évaluation ?
change-rating = Modifier l’évaluation
your-rating = Votre évaluation : { $reaction }

comment-question = Souhaitez-vous nous en dire plus ?
comment-label = Votre commentaire
comment-note = { $limit } caractères au plus. Une fois le commentaire envoyé, votre évaluation et votre commentaire sont définitifs : ni l’une ni l’autre ne peuvent plus être modifiés.
send-comment = Envoyer le commentaire et terminer

saved = Enregistré : { $reaction }. Merci !
changed = Modifié : votre évaluation est maintenant { $reaction }.
unchanged = Votre évaluation est { $reaction }, comme avant.
comment-saved = Votre commentaire est enregistré. Merci ! Votre évaluation et votre commentaire sont maintenant définitifs.
sent-before = Ce formulaire avait déjà été envoyé, rien n’a donc été modifié. Votre évaluation est { $reaction }.
pending = Nous avons reçu votre réponse et la conservons. Elle apparaîtra ici dans un instant.
look-again = Regarder à nouveau
locked-note = Vous avez envoyé un commentaire, votre évaluation est donc définitive.

refused-locked = Non enregistré : vous avez envoyé un commentaire et, depuis, votre évaluation et votre commentaire sont définitifs.
refused-too-long = Non enregistré : votre commentaire compte { $count } caractères, et { $limit } au plus sont possibles. Votre texte est toujours ci-dessous ; veuillez le raccourcir de { $over }.
refused-deleted = Non enregistré : cette conversation a été supprimée et ne peut plus être évaluée.
refused-before-reaction = Non enregistré : veuillez d’abord choisir une évaluation, puis envoyer votre commentaire. Votre texte est toujours ci-dessous.
refused-other = Non enregistré : il n’est pas possible de répondre à cette enquête.
choose-one = Non enregistré : veuillez choisir l’une des cinq évaluations.
write-something = Non enregistré : veuillez d’abord écrire quelque chose.
form-broken = Non enregistré : le formulaire n’est pas arrivé complet. Veuillez l’envoyer à nouveau.
unavailable = Pas encore enregistré : nous ne pouvons pas recevoir votre réponse pour le moment. Elle est toujours dans le formulaire ci-dessous ; veuillez l’envoyer à nouveau dans quelques secondes.
limited = Pas encore enregistré : trop de réponses sont arrivées en peu de temps. La vôtre est toujours dans le formulaire ci-dessous ; veuillez l’envoyer à nouveau dans une minute.

deleted-title = N’existe plus
deleted-text = Cette conversation a été supprimée et ne peut plus être évaluée.
not-found-title = Cette page n’existe pas
not-found-text = L’adresse est peut-être incomplète. Veuillez ouvrir à nouveau le lien de votre message.
busy-title = Veuillez réessayer dans une minute
busy-text = Nous ne pouvons pas afficher cette page pour le moment. Rien n’est perdu.
too-large-title = C’était trop
too-large-text = Rien n’a été enregistré : ce qui a été envoyé est bien plus long que ne peut l’être un commentaire. Veuillez revenir en arrière et le raccourcir.
wrong-form-title = Ce n’était pas notre formulaire
wrong-form-text = Rien n’a été enregistré. Veuillez ouvrir le lien de votre message et utiliser le formulaire qui s’y trouve.
slow-title = C’était trop long
slow-text = Rien n’a été enregistré : votre réponse n’est pas arrivée à temps. Veuillez revenir en arrière et l’envoyer à nouveau.

privacy = { $workspace } voit votre évaluation et votre commentaire à côté de votre conversation. Cette page n’utilise pas de cookies.

close = Fermer
