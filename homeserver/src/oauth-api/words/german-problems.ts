/**
 * Messages of errors that people meet on the pages, in German. Where "{0}" stands, something is put in.
 * What is not here is said in English: it is for whoever writes an app, or runs the server.
 */
export const GERMAN_PROBLEMS: Readonly<Record<string, string>> = {
  "The user name or the password is wrong": "Benutzername oder Passwort ist falsch.",
  "Too many requests": "Das waren zu viele Versuche. Warte einen Moment.",
  "Too many sign-ins at this moment":
    "Gerade melden sich zu viele an. Versuch es gleich noch einmal.",
  "That user name is taken": "Dieser Benutzername ist vergeben.",
  "That user name is reserved": "Dieser Benutzername ist reserviert.",
  "That user name is too long": "Dieser Benutzername ist zu lang.",
  "No user can have that name": "So kann niemand heißen.",
  "A user name has only the characters a-z, 0-9 and ._=-/+":
    "Ein Benutzername hat nur die Zeichen a-z, 0-9 und ._=-/+",
  "The password is empty": "Das Passwort ist leer.",
  "The password is longer than {0} bytes": "Das Passwort ist länger als {0} Bytes.",
  "A password needs at least {0} characters": "Ein Passwort braucht mindestens {0} Zeichen.",
  "The two passwords differ": "Die beiden Passwörter sind verschieden.",
  "The two new passwords differ": "Die beiden neuen Passwörter sind verschieden.",
  "Registration is closed on this server": "Auf diesem Server ist die Registrierung geschlossen.",
  "No registration token": "Der Registrierungscode fehlt.",
  "Agree to the terms first": "Stimme zuerst den Bedingungen zu.",
  "The terms were not agreed to, or they are other ones by now":
    "Den Bedingungen wurde nicht zugestimmt, oder es gelten inzwischen andere.",
  "Follow the link in the mail first": "Folge zuerst dem Link in der E-Mail.",
  "That is no e-mail address": "Das ist keine E-Mail-Adresse.",
  "Too many mails were sent to that address":
    "An diese Adresse wurden zu viele E-Mails gesendet. Warte eine Weile.",
  "This server sends no mail": "Dieser Server versendet keine E-Mails.",
  "This link is too old, or was used already: ask for a new mail":
    "Dieser Link ist zu alt oder wurde schon benutzt: Fordere eine neue E-Mail an.",
  "This link is none of ours": "Dieser Link stammt nicht von uns.",
  "This form is too old, or cookies are off: go back and try again":
    "Dieses Formular ist zu alt, oder Cookies sind abgeschaltet: Geh zurück und versuch es noch einmal.",
  "You are not signed in any more": "Du bist nicht mehr angemeldet.",
  "That account is closed": "Dieses Konto ist geschlossen.",
  "This account is suspended: it can only read, and leave":
    "Dieses Konto ist eingeschränkt: Es kann nur lesen und Räume verlassen.",
  "No device waits with that code. It may be too old: start again on the device.":
    "Kein Gerät wartet mit diesem Code. Vielleicht ist er zu alt: Fang auf dem Gerät noch einmal an.",
  "You have no account on this server": "Du hast auf diesem Server kein Konto.",
  "No account on this server belongs to that one":
    "Auf diesem Server gehört kein Konto zu dem, mit dem du dich angemeldet hast.",
  "There is no such provider": "Diesen Anbieter gibt es nicht.",
  "Your account is linked with no such provider":
    "Dein Konto ist mit diesem Anbieter nicht verknüpft.",
  "You have not signed in at {0}": "Du hast dich bei {0} nicht angemeldet.",
  "Signing in at {0} did not work: begin again":
    "Die Anmeldung bei {0} hat nicht geklappt: Fang noch einmal an.",
  "You have not signed in once more: begin again":
    "Du hast dich nicht noch einmal angemeldet: Fang von vorn an.",
  "This has taken too long, or is done already: sign in once more":
    "Das hat zu lange gedauert oder ist schon erledigt: Melde dich noch einmal an.",
  "This has taken too long, or was begun in another browser: begin again":
    "Das hat zu lange gedauert oder wurde in einem anderen Browser begonnen: Fang noch einmal an.",
  "This was begun in another browser, or cookies are off: begin again":
    "Das wurde in einem anderen Browser begonnen, oder Cookies sind abgeschaltet: Fang noch einmal an.",
  "This authentication session is over: begin again in the app":
    "Diese Anmeldung ist abgelaufen: Fang in der App noch einmal an.",
  "This authentication session is over, or asks for something else":
    "Diese Anmeldung ist abgelaufen oder verlangt etwas anderes.",
  "You have signed in as {0}, but the app is another account's":
    "Du hast dich als {0} angemeldet, aber die App gehört zu einem anderen Konto.",
  "You have signed in as {0}, but this page is another account's":
    "Du hast dich als {0} angemeldet, aber diese Seite gehört zu einem anderen Konto.",
};

const PUT_IN = "{0}";

const patterns = Object.entries(GERMAN_PROBLEMS)
  .filter(([english]) => english.includes(PUT_IN))
  .map(([english, german]) => {
    const [before = "", after = ""] = english.split(PUT_IN);
    return { before, after, german };
  });

/** The German for an error's message, or the message itself. */
export function germanProblem(message: string): string {
  const exact = Object.hasOwn(GERMAN_PROBLEMS, message) ? GERMAN_PROBLEMS[message] : undefined;
  if (exact !== undefined) return exact;
  const found = patterns.find(
    ({ before, after }) =>
      message.length >= before.length + after.length &&
      message.startsWith(before) &&
      message.endsWith(after),
  );
  if (found === undefined) return message;
  const { before, after, german } = found;
  return german.replace(PUT_IN, () => message.slice(before.length, message.length - after.length));
}
