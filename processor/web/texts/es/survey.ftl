question = ¿Cómo fue su conversación con { $workspace }?
terrible = Pésima
bad = Mala
ok = Aceptable
great = Muy buena
amazing = Excelente
send-rating = Enviar valoración
change-question = ¿Quiere cambiar su valoración?
change-rating = Cambiar valoración
your-rating = Su valoración: { $reaction }

comment-question = ¿Quiere contarnos más?
comment-label = Su comentario
comment-note = Como máximo { $limit } caracteres. Una vez enviado el comentario, su valoración y su comentario son definitivos: ya no se pueden cambiar.
send-comment = Enviar comentario y terminar

saved = Guardado: { $reaction }. ¡Gracias!
changed = Cambiado: su valoración es ahora { $reaction }.
unchanged = Su valoración es { $reaction }, como antes.
comment-saved = Su comentario está guardado. ¡Gracias! Su valoración y su comentario ya son definitivos.
sent-before = Este formulario ya se había enviado, así que no se cambió nada. Su valoración es { $reaction }.
pending = Hemos recibido su respuesta y la conservamos. Aparecerá aquí en un momento.
look-again = Mirar de nuevo
locked-note = Ha enviado un comentario, así que su valoración es definitiva.

refused-locked = No guardado: ha enviado un comentario y, desde entonces, su valoración y su comentario son definitivos.
refused-too-long = No guardado: su comentario tiene { $count } caracteres y como máximo son posibles { $limit }. Su texto sigue abajo; acórtelo en { $over }, por favor.
refused-deleted = No guardado: esta conversación se ha eliminado y ya no se puede valorar.
refused-before-reaction = No guardado: elija primero una valoración y envíe después su comentario. Su texto sigue abajo.
refused-other = No guardado: no es posible responder a esta encuesta.
choose-one = No guardado: elija una de las cinco valoraciones, por favor.
write-something = No guardado: escriba algo primero, por favor.
form-broken = No guardado: el formulario no llegó completo. Envíelo de nuevo, por favor.
unavailable = Aún no guardado: en este momento no podemos recibir su respuesta. Sigue en el formulario de abajo; envíela de nuevo dentro de unos segundos, por favor.
limited = Aún no guardado: llegaron demasiadas respuestas en poco tiempo. La suya sigue en el formulario de abajo; envíela de nuevo dentro de un minuto, por favor.

deleted-title = Ya no existe
deleted-text = Esta conversación se ha eliminado y ya no se puede valorar.
not-found-title = Esta página no existe
not-found-text = Puede que la dirección esté incompleta. Abra de nuevo el enlace de su mensaje, por favor.
busy-title = Inténtelo de nuevo dentro de un minuto
busy-text = En este momento no podemos mostrar esta página. No se ha perdido nada.
too-large-title = Eso fue demasiado
too-large-text = No se guardó nada: lo enviado es mucho más largo de lo que puede ser un comentario. Vuelva atrás y acórtelo, por favor.
wrong-form-title = Ese no era nuestro formulario
wrong-form-text = No se guardó nada. Abra el enlace de su mensaje y use el formulario que hay allí, por favor.
slow-title = Eso tardó demasiado
slow-text = No se guardó nada: su respuesta no llegó a tiempo. Vuelva atrás y envíela de nuevo, por favor.

privacy = { $workspace } ve su valoración y su comentario junto a su conversación. Esta página no usa cookies.

close = Cerrar
