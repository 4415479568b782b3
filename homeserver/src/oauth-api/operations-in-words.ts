import { say, type Text } from "./words/html.ts";

/** What an app wants to do that asks for proof, for its user. */
const WORDS: Readonly<Record<string, Text>> = {
  changePassword: say`change your password`,
  deactivateAccount: say`close your account for good`,
  deleteDevice: say`sign one of your sessions out`,
  deleteDevices: say`sign some of your sessions out`,
  generateLoginToken: say`let a further device into your account`,
  uploadCrossSigningKeys: say`replace the keys by which others know your devices`,
};

/** `operation` is what the session authorises: an operation, and perhaps what it acts upon. */
export function inWords(operation: string): Text {
  return WORDS[operation.split(" ")[0]!] ?? say`change something about your account`;
}
