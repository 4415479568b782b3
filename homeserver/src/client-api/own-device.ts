import type { Requester } from "../http/access/authenticate.ts";
import { errors } from "../protocol/errors.ts";

/**
 * The device that a request acts as, where it takes one. Only application services have none.
 * @throws MatrixError M_MISSING_PARAM 400
 */
export function ownDevice({ userId, deviceId }: Requester): Pick<Requester, "userId" | "deviceId"> {
  if (deviceId !== "") return { userId, deviceId };
  throw errors.missingParam("An application service names a device of the user: device_id");
}
