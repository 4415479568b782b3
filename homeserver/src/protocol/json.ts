/** JSON as the protocol knows it: values, strict and loose reading, canonical writing. */
export {
  forbiddenIn,
  isInteger,
  isJsonObject,
  type Json,
  JsonError,
  type JsonObject,
  numberOf,
} from "./json/json-value.ts";
export { parseClean, parseLoose, parseStrict, parseWithFractions } from "./json/json-parse.ts";
export {
  canonicalJson,
  canonicalJsonLoose,
  compareCodePoints,
  jsonText,
} from "./json/canonical-json.ts";
