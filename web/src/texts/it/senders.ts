/**
 * What the program says of the senders that it knows, in Italian, by what it says in English. It has them in its presets, so a
 * sentence that changes there is shown in English until it is translated here, and a test says so.
 */
export const senders: Record<string, string> = {
  "There is no secret to enter: Asana hands one over when the webhook is made, and signs with it from then on. It posts what changed, not the person: fetch it with an action.":
    "Non c'è un segreto da inserire: Asana ne consegna uno quando si crea il webhook, e da allora firma con quello. Invia ciò che è cambiato, non la persona: recuperala con un'azione.",
  "Event Grid signs nothing: the token in the URL is what proves the sender.":
    "Event Grid non firma nulla: è il token nell'URL a provare chi invia.",
  "Event Grid signs nothing. Give the subscription a delivery property X-Shared-Secret, or a parameter secret in the URL; the secret is its value.":
    "Event Grid non firma nulla. Dai alla sottoscrizione una proprietà di consegna X-Shared-Secret, o un parametro secret nell'URL; il segreto è il suo valore.",
  "The secret is the signing key of the webhook subscription.":
    "Il segreto è la chiave di firma della sottoscrizione del webhook.",
  "There is no secret to enter: Clio hands one over when the webhook is made, and signs with it from then on. It posts what changed, not the person: fetch it with an action, or ask for the fields when the webhook is made.":
    "Non c'è un segreto da inserire: Clio ne consegna uno quando si crea il webhook, e da allora firma con quello. Invia ciò che è cambiato, non la persona: recuperala con un'azione, o chiedi i campi quando crei il webhook.",
  "The token in the URL is what proves the sender.":
    "È il token nell'URL a provare chi invia.",
  "The secret is the signing key of the reporting webhook. Customer.io waits 4 seconds: answer with 202. How exactly it signs was seen in programs that receive from it, not in its own text: send one of its test events before you rely on it.":
    "Il segreto è la chiave di firma del reporting webhook. Customer.io attende 4 secondi: rispondi con 202. Come firma esattamente si è visto in programmi che ricevono da lui, non nei suoi testi: invia uno dei suoi eventi di prova prima di farci affidamento.",
  "The secret is the verification token: 32 to 80 letters, digits, _ and -. Enter the URL there exactly as it is shown here: it is part of the answer. eBay signs with keys that only its API gives out, so the token in the URL is what proves the sender. eBay knows accounts, not addresses.":
    "Il segreto è il token di verifica: da 32 a 80 tra lettere, cifre, _ e -. Inserisci lì l'URL esattamente com'è mostrato qui: fa parte della risposta. eBay firma con chiavi che solo la sua API fornisce, perciò è il token nell'URL a provare chi invia. eBay conosce account, non indirizzi.",
  "The form's action Webhook, with advanced data or without. It signs nothing: the token in the URL is what protects it. Fields are found by their ids, which are email, name and the like unless someone changed them, or else by their labels. What it sends was seen in programs that receive from it, not in its own text: send a test submission, and map by clicking what is missing.":
    "L'azione Webhook del modulo, con o senza dati avanzati. Non firma nulla: è il token nell'URL a proteggerlo. I campi si riconoscono dai loro id, che sono email, name e simili se nessuno li ha cambiati, altrimenti dalle etichette. Ciò che invia si è visto in programmi che ricevono da lui, non nei suoi testi: invia il modulo per prova e abbina con un clic ciò che manca.",
  "An automation's outgoing webhook: send by POST, as JSON or as a form, the contact's full data; or choose the fields yourself and call them email, first_name, last_name and phone. Custom fields stand under custom_field: map them by clicking on a sample. FluentCRM signs nothing: the token in the URL is what protects it, and a header with a key of your own, if you choose require_api_key.":
    "Il webhook in uscita di un'automazione: invia con POST, come JSON o come modulo, tutti i dati del contatto; oppure scegli tu i campi e chiamali email, first_name, last_name e phone. I campi personalizzati stanno sotto custom_field: abbinali con un clic su un esempio. FluentCRM non firma nulla: lo proteggono il token nell'URL e, se scegli di richiedere una chiave API, un'intestazione con una chiave tua.",
  "An application webhook. The secret is the app's signing key, which its settings call the app secret.":
    "Un webhook di applicazione. Il segreto è la chiave di firma dell'app, che le sue impostazioni chiamano app secret.",
  "Posts in the program's own form map themselves. Other forms need a mapping.":
    "Ciò che arriva nella forma del programma si abbina da sé. Le altre forme richiedono un abbinamento.",
  "The secret is the one of the webhook. Either content type will do.":
    "Il segreto è quello del webhook. Va bene l'uno o l'altro tipo di contenuto.",
  "The webhooks add-on. Let it send selected fields, with the keys email, first_name, last_name, phone and company. If it sends all fields their keys are numbers, which only the form knows: map them by clicking. A key of your own in a request header proves who sends it: choose require_api_key.":
    "Il componente aggiuntivo Webhooks. Fagli inviare campi scelti, con le chiavi email, first_name, last_name, phone e company. Se invia tutti i campi, le chiavi sono numeri che solo il modulo conosce: abbinali con un clic. Una chiave tua in un'intestazione della richiesta prova chi invia: scegli di richiedere una chiave API.",
  "The secret is the app's client secret. The URL is part of what is signed: enter it exactly as it is shown here. HubSpot posts what changed, not the contact: only a change of the address says one.":
    "Il segreto è il client secret dell'app. L'URL fa parte di ciò che è firmato: inseriscilo esattamente com'è mostrato qui. HubSpot invia ciò che è cambiato, non il contatto: solo un cambio d'indirizzo ne riporta uno.",
  "The secret is the one that was given when the webhook was made. How Klaviyo writes the time that it signs is not in its own text: send a test event, and look into the log if it is refused for its time.":
    "Il segreto è quello fornito quando si è creato il webhook. Come Klaviyo scriva l'ora che firma non è nei suoi testi: invia un evento di prova, e guarda nel registro se viene respinto per l'ora.",
  "The secret is the app's client secret. LinkedIn posts that there is a lead, not the lead: fetch it with an action.":
    "Il segreto è il client secret dell'app. LinkedIn comunica che c'è un contatto, non il contatto: recuperalo con un'azione.",
  "Mailchimp does not sign what an audience's webhook posts: the token in the URL is what proves the sender. That it asks for the address by GET when you enter it was seen in programs that receive from it, not in its own text; such a question is answered.":
    "Mailchimp non firma ciò che invia il webhook di un pubblico: è il token nell'URL a provare chi invia. Che interroghi l'indirizzo con GET quando lo inserisci si è visto in programmi che ricevono da lui, non nei suoi testi; a una simile domanda si risponde.",
  "The secret is the HTTP webhook signing key. Mailgun signs a token, not the message: its token is used once.":
    "Il segreto è la HTTP webhook signing key. Mailgun firma un token, non il messaggio: il suo token vale una sola volta.",
  "The secret is the key of the webhook. Enter the URL there exactly as it is shown here: it is part of what is signed.":
    "Il segreto è la chiave del webhook. Inserisci lì l'URL esattamente com'è mostrato qui: fa parte di ciò che è firmato.",
  "The secret is the app secret. As verify token enter the token from the URL. Meta posts the lead's id only: fetch its fields with an action.":
    "Il segreto è l'app secret. Come verify token inserisci il token dell'URL. Meta invia solo l'id del contatto: recupera i suoi campi con un'azione.",
  "The secret is the clientState of the subscription. Graph posts what changed, not the contact: fetch it with an action.":
    "Il segreto è il clientState della sottoscrizione. Graph invia ciò che è cambiato, non il contatto: recuperalo con un'azione.",
  "Pipedrive signs nothing. Set an HTTP auth user and password in its webhook, version 2; the secret is user:password.":
    "Pipedrive non firma nulla. Imposta utente e password di autenticazione HTTP nel suo webhook, versione 2; il segreto è utente:password.",
  "Postmark signs nothing. Set HTTP authentication in its webhook; the secret is user:password.":
    "Postmark non firma nulla. Imposta l'autenticazione HTTP nel suo webhook; il segreto è utente:password.",
  "The secret is the signing secret of the endpoint; it begins with whsec_.":
    "Il segreto è il signing secret dell'endpoint; comincia con whsec_.",
  "RingCentral signs nothing. Give its subscription a verificationToken; the secret is that. It posts what happened, not the person: fetch it with an action.":
    "RingCentral non firma nulla. Dai alla sua sottoscrizione un verificationToken: il segreto è quello. Invia ciò che è accaduto, non la persona: recuperala con un'azione.",
  "The secret is the verification key of the signed event webhook: a public key.":
    "Il segreto è la chiave di verifica del webhook di eventi firmato: una chiave pubblica.",
  "Through Amazon SNS. Leave raw message delivery off: raw messages are not signed. There is no secret to enter.":
    "Tramite Amazon SNS. Lascia disattivato raw message delivery: i messaggi grezzi non sono firmati. Non c'è un segreto da inserire.",
  "The secret is the app's client secret, or the key that the store shows under its notifications.":
    "Il segreto è il client secret dell'app, o la chiave che il negozio mostra sotto le sue notifiche.",
  "The secret is the app's signing secret.":
    "Il segreto è il signing secret dell'app.",
  "SparkPost signs nothing. Set basic authentication in its webhook; the secret is user:password.":
    "SparkPost non firma nulla. Imposta l'autenticazione di base nel suo webhook; il segreto è utente:password.",
  "SparkPost signs nothing. Set OAuth 2.0 in its webhook; the secret is the access token.":
    "SparkPost non firma nulla. Imposta OAuth 2.0 nel suo webhook; il segreto è l'access token.",
  "SparkPost signs nothing. Give its webhook an auth_token; the secret is that.":
    "SparkPost non firma nulla. Dai al suo webhook un auth_token: il segreto è quello.",
  "The secret is the signing secret of the endpoint, whsec_ included.":
    "Il segreto è il signing secret dell'endpoint, whsec_ compreso.",
  "The secret is the signing secret of the webhook. Fields are recognised by their types and labels: the first of the type email is taken. How it signs was seen in programs that receive from it, not in its own text: send a test submission before you rely on it.":
    "Il segreto è il signing secret del webhook. I campi si riconoscono da tipo ed etichetta: si prende il primo di tipo email. Come firma si è visto in programmi che ricevono da lui, non nei suoi testi: invia il modulo per prova prima di farci affidamento.",
  "The secret is the account's auth token. The URL is part of what is signed: enter it exactly as it is shown here. Twilio knows telephone numbers, not addresses.":
    "Il segreto è l'auth token dell'account. L'URL fa parte di ciò che è firmato: inseriscilo esattamente com'è mostrato qui. Twilio conosce numeri di telefono, non indirizzi.",
  "The secret is the one of the webhook. The first answer of the type email is taken, or else the hidden field email.":
    "Il segreto è quello del webhook. Si prende la prima risposta di tipo email, altrimenti il campo nascosto email.",
  "The secret is the one of the webhook in WooCommerce's advanced settings.":
    "Il segreto è quello del webhook nelle impostazioni avanzate di WooCommerce.",
  "The secret is the app's consumer secret. X knows accounts, not addresses.":
    "Il segreto è il consumer secret dell'app. X conosce account, non indirizzi.",
  "The secret is the app's secret token.":
    "Il segreto è il secret token dell'app.",
};
