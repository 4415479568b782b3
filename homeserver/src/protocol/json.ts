/** JSON as the protocol knows it: values, strict and loose reading, canonical writing. */
export {
  forbiddenIn,
  isInteger,
  isJsonObject,
  type Json,
  JsonError,
  type JsonObject,
  numberOf,
} from "./json-value.ts";
export { parseLoose, parseStrict, parseWithFractions } from "./json-parse.ts";
export {
  canonicalJson,
  canonicalJsonLoose,
  compareCodePoints,
  jsonText,
} from "./canonical-json.ts";
