import { errors } from "../../src/protocol/errors.ts";

const none = () => Promise.reject(errors.notFound("There are no application services"));

/** What the routes need of application services, where there are none. */
export const noServices = {
  services: { all: [], byId: () => undefined, controls: () => false },
  questions: { ping: none },
  thirdParty: { protocols: async () => ({}), protocol: none, search: none, reverse: none },
};
