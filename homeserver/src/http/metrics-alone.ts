import type { RequestListener } from "node:http";
import type { Metrics } from "../platform/metrics.ts";
import { errors } from "../protocol/errors.ts";

/** The listener of the metrics: GET /_weft/metrics, and nothing else. */
export function metricsAlone(metrics: Metrics): RequestListener {
  return (request, response) => {
    request.resume();
    const [path] = (request.url ?? "").split("?");
    if (path !== "/_weft/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
      const body = JSON.stringify(errors.unrecognized());
      response.writeHead(404, { "content-type": "application/json" }).end(body);
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  };
}
