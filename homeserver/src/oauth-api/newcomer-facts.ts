import { errors } from "../protocol/errors.ts";
import type { Registration } from "../users/accounts/registration.ts";
import type { UiaFacts } from "../users/accounts/uia-request.ts";
import { CAPTCHA_KINDS } from "../users/common/captcha.ts";
import { versionsOf } from "../users/common/terms.ts";

/** What a form says that new users fill in. */
type Form = Readonly<Record<string, unknown>>;

/** What somebody has agreed to, by a form. @throws MatrixError M_INVALID_PARAM 400 */
export function agreementIn({ policies }: Registration, form: Form): UiaFacts {
  if (policies.length === 0) return {};
  if (form["agreed"] !== "yes") throw errors.invalidParam("Agree to the terms first");
  return { agreed: versionsOf(policies) };
}

/** That somebody has solved the puzzle of a form. @throws MatrixError M_CAPTCHA_NEEDED, M_CAPTCHA_INVALID 401 */
export async function solutionIn(
  { captcha }: Registration,
  form: Form,
  ip: string,
): Promise<UiaFacts> {
  if (captcha === undefined) return {};
  await captcha.verify(form[CAPTCHA_KINDS[captcha.settings.kind].field], ip);
  return { isHuman: true };
}
