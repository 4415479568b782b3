import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { ClientSettings } from "./client-settings.ts";

/** How long messages are kept. (MSC1763.) */
export function retentionRoutes({ settings }: { settings: ClientSettings }): Route[] {
  return [
    // GET /_matrix/client/unstable/org.matrix.msc1763/retention/configuration
    route("getRetentionConfiguration", () => {
      const { isOn, usual, shortest, longest } = settings.retention;
      if (!isOn) throw errors.unrecognized("This server keeps messages for ever");
      const bounds = {
        ...(shortest !== undefined && { min: shortest }),
        ...(longest !== undefined && { max: longest }),
      };
      return {
        policies: usual === undefined ? {} : { "*": { max_lifetime: usual } },
        limits: Object.keys(bounds).length === 0 ? {} : { max_lifetime: bounds },
      };
    }),
  ];
}
