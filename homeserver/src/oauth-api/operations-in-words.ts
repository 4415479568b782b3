/** What an app wants to do that asks for proof, for its user. */
const WORDS: Readonly<Record<string, string>> = {
  changePassword: "change your password",
  deactivateAccount: "close your account for good",
  deleteDevice: "sign one of your sessions out",
  deleteDevices: "sign some of your sessions out",
  generateLoginToken: "let a further device into your account",
  uploadCrossSigningKeys: "replace the keys by which others know your devices",
};

/** `operation` is what the session authorises: an operation, and perhaps what it acts upon. */
export function inWords(operation: string): string {
  return WORDS[operation.split(" ")[0]!] ?? "change something about your account";
}
