/** What the pages say, in German, by the English; {0}, {1} … stand for what is put in. */
export const GERMAN: Readonly<Record<string, string>> = {
  en: "de",
  "Sign in": "Anmelden",
  "User name": "Benutzername",
  Password: "Passwort",
  "Forgot password?": "Passwort vergessen?",
  "New here?": "Neu hier?",
  "Create an account": "Konto anlegen",
  "Others write @name:{0}. It cannot be changed later.":
    "Andere schreiben @name:{0}. Später lässt er sich nicht mehr ändern.",
  "A mail is on its way. Follow its link, then create the account here.":
    "Eine E-Mail ist unterwegs. Folge dem Link darin und lege danach hier das Konto an.",
  "E-mail address": "E-Mail-Adresse",
  "Password once more": "Passwort noch einmal",
  "Registration token": "Registrierungscode",
  "You have one?": "Du hast schon eines?",
  "I agree to: {0}": "Ich stimme zu: {0}",
  Continue: "Weiter",
  Cancel: "Abbrechen",
  "Continue with {0}": "Weiter mit {0}",

  "Sign in to {0}": "Bei {0} anmelden",
  "Sign in to {0}?": "Bei {0} anmelden?",
  "Goes back to": "Führt zurück zu",
  Session: "Sitzung",
  "Use another account": "Ein anderes Konto verwenden",
  "It takes the place of your session {0}, which is signed out.":
    "Sie ersetzt deine Sitzung {0}, die abgemeldet wird.",
  "{0} will be able to read and send messages as {1}, and to change your profile and settings.":
    "{0} kann dann als {1} Nachrichten lesen und senden und dein Profil und deine Einstellungen ändern.",
  "an app on this device ({0})": "eine App auf diesem Gerät ({0})",
  "Its terms": "Nutzungsbedingungen",
  "Its privacy": "Datenschutz",

  "Sign in to an app": "Bei einer App anmelden",
  "Go on to the app?": "Weiter zur App?",
  "{0} will be able to read and send messages as {1}, and to change your account.":
    "{0} kann dann als {1} Nachrichten lesen und senden und dein Konto ändern.",
  "Go on only if you have just started this there.":
    "Mach nur weiter, wenn du das gerade dort begonnen hast.",
  "Confirm it is you": "Bestätige, dass du es bist",
  "Confirm what an app does?": "Bestätigen, was eine App vorhat?",
  "An app that is signed in as you wants to {0}.":
    "Eine App, die in deinem Namen angemeldet ist, möchte {0}.",
  "An app wants to {0}.": "Eine App möchte {0}.",
  "If you have not just started this yourself, somebody else may be using your account.":
    "Wenn du das nicht gerade selbst begonnen hast, benutzt vielleicht jemand anderes dein Konto.",
  "{0}, with {1}": "{0}, mit {1}",
  Done: "Fertig",
  "Go back to the app. You can close this page.":
    "Geh zurück zur App. Du kannst diese Seite schließen.",
  "You said no": "Du hast abgelehnt",
  "Nothing has happened. You can close this page.":
    "Es ist nichts geschehen. Du kannst diese Seite schließen.",

  "change your password": "dein Passwort ändern",
  "close your account for good": "dein Konto endgültig schließen",
  "sign one of your sessions out": "eine deiner Sitzungen abmelden",
  "sign some of your sessions out": "einige deiner Sitzungen abmelden",
  "let a further device into your account": "ein weiteres Gerät in deinem Konto zulassen",
  "replace the keys by which others know your devices":
    "die Schlüssel ersetzen, an denen andere deine Geräte erkennen",
  "change something about your account": "etwas an deinem Konto ändern",

  "Agree to the terms": "Den Bedingungen zustimmen",
  "Show that you are human": "Zeige, dass du ein Mensch bist",

  "Let a device in": "Ein Gerät zulassen",
  "Type the code that it shows.": "Gib den Code ein, den es anzeigt.",
  Code: "Code",
  "Let {0} in": "{0} zulassen",
  "Let {0} in?": "{0} zulassen?",
  "Go on only if your other device shows this code, and you have started it yourself. Nobody who helps you needs it.":
    "Mach nur weiter, wenn dein anderes Gerät diesen Code zeigt und du das selbst begonnen hast. Niemand, der dir hilft, braucht ihn.",
  "The device is let in": "Das Gerät ist zugelassen",
  "Go on there. You can close this page.": "Mach dort weiter. Du kannst diese Seite schließen.",
  "The device is not let in": "Das Gerät ist nicht zugelassen",
  "You can close this page.": "Du kannst diese Seite schließen.",

  "A new password": "Ein neues Passwort",
  "The one that belongs to your account: a mail goes there.":
    "Die zu deinem Konto gehört: Dorthin geht eine E-Mail.",
  "Send the mail": "E-Mail senden",
  "Back to signing in": "Zurück zum Anmelden",
  "A mail is on its way. Follow its link, then choose a new password here. All your sessions end.":
    "Eine E-Mail ist unterwegs. Folge dem Link darin und wähle danach hier ein neues Passwort. Alle deine Sitzungen enden.",
  "New password": "Neues Passwort",
  "New password once more": "Neues Passwort noch einmal",
  "Set the password": "Passwort festlegen",
  "This server sends no mail. Ask whoever runs it for a new password.":
    "Dieser Server versendet keine E-Mails. Frag die Person, die ihn betreibt, nach einem neuen Passwort.",

  "This adds the address to the account of whoever asked for the mail.":
    "Damit kommt die Adresse zum Konto der Person, die diese E-Mail angefordert hat.",
  "The address then belongs to the account that is being made.":
    "Die Adresse gehört dann zum Konto, das gerade angelegt wird.",
  "Whoever asked for the mail may then set a new password for your account.":
    "Wer diese E-Mail angefordert hat, darf dann ein neues Passwort für dein Konto festlegen.",
  "Confirm your address": "Bestätige deine Adresse",
  "Go on only if that was you.": "Mach nur weiter, wenn du das warst.",
  "It was me": "Das war ich",
  "Go on to {0}": "Weiter zu {0}",
  Confirmed: "Bestätigt",
  "Notifications by e-mail": "Benachrichtigungen per E-Mail",
  "Shall no more of them go to {0}?": "Sollen keine mehr an {0} gehen?",
  "No more": "Keine mehr",
  "No more of these mails go to {0}.": "An {0} gehen keine dieser E-Mails mehr.",

  "Your account": "Dein Konto",
  "Profile and password": "Profil und Passwort",
  "Your name, and how you sign in": "Dein Name, und wie du dich anmeldest",
  Sessions: "Sitzungen",
  "Where you are signed in": "Wo du angemeldet bist",
  "Encryption identity": "Deine Identität",
  "Reset it when all else fails": "Zurücksetzen, wenn nichts anderes hilft",
  "Close the account": "Konto schließen",
  "For good": "Endgültig",
  "Sign out in this browser": "In diesem Browser abmelden",
  Profile: "Profil",
  "Display name": "Anzeigename",
  "Others see it beside your messages.": "Andere sehen ihn neben deinen Nachrichten.",
  Save: "Speichern",
  "Sign out everywhere": "Überall abmelden",
  "Change the password": "Passwort ändern",
  "Password until now": "Bisheriges Passwort",
  "You have none. With one, you can also sign in without a provider.":
    "Du hast keines. Mit einem kannst du dich auch ohne Anbieter anmelden.",
  "Or sign in once more, instead of the password:":
    "Oder melde dich statt mit dem Passwort noch einmal an:",
  "First sign in once more, to show that it is you.":
    "Melde dich zuerst noch einmal an, um zu zeigen, dass du es bist.",
  Show: "Anzeigen",
  "No app is signed in.": "Keine App ist angemeldet.",
  Name: "Name",
  "Only people who talk to you encrypted see it":
    "Nur wer verschlüsselt mit dir schreibt, sieht ihn",
  Rename: "Umbenennen",
  "Sign it out": "Abmelden",
  "It can read and send nothing afterwards. Messages whose keys are only there are lost.":
    "Danach kann sie nichts mehr lesen oder senden. Nachrichten, deren Schlüssel nur dort liegen, sind verloren.",
  "Sign out": "Abmelden",
  Seen: "Gesehen",
  "Not seen yet": "Noch nicht gesehen",
  "{0} UTC, from {1}": "{0} UTC, von {1}",
  "Allow it once": "Einmal erlauben",
  "Allow an app to replace the keys by which others know you. All of your sessions have to be verified again, and so do you by others. Do this only if you asked an app for it, and have lost every other session and your recovery key.":
    "Erlaube einer App, die Schlüssel zu ersetzen, an denen andere dich erkennen. Alle deine Sitzungen müssen neu verifiziert werden, und andere müssen auch dich neu verifizieren. Tu das nur, wenn du es in einer App angefordert und alle anderen Sitzungen und deinen Wiederherstellungsschlüssel verloren hast.",
  "Hide my messages from people who come to rooms later":
    "Meine Nachrichten vor Personen verbergen, die später in Räume kommen",
  "Close it for good": "Endgültig schließen",
  "Nobody can use {0} afterwards, not even you. You leave all rooms, and the name is never given again. There is no way back.":
    "Danach kann niemand {0} mehr benutzen, auch du nicht. Du verlässt alle Räume, und der Name wird nie wieder vergeben. Es gibt kein Zurück.",
  "Saved.": "Gespeichert.",
  "The password is changed.": "Das Passwort ist geändert.",
  "The session is signed out.": "Die Sitzung ist abgemeldet.",
  "Allowed. Go back to the app within ten minutes.":
    "Erlaubt. Geh innerhalb von zehn Minuten zurück zur App.",
  Goodbye: "Auf Wiedersehen",
  "The account is closed. You can close this page.":
    "Das Konto ist geschlossen. Du kannst diese Seite schließen.",
  "That did not work": "Das hat nicht geklappt",
};
