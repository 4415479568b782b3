# One image: the server with the web client that it serves. Build: docker build -t weft .
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY spec/package.json spec/
COPY homeserver/package.json homeserver/
COPY web-client/package.json web-client/
COPY conformance-tests/package.json conformance-tests/
COPY bench/package.json bench/
COPY homeserver/bin homeserver/bin
RUN npm ci --ignore-scripts
COPY spec spec
COPY web-client web-client
COPY tsconfig.base.json ./
RUN cd web-client && npx vite build
# The image's own Node is the runtime; the pinned copy and everything for development stay behind.
RUN npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates openssl tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data weft \
 && mkdir /data && chown weft:weft /data
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY package.json ./
COPY spec/package.json spec/
COPY spec/generated spec/generated
COPY homeserver homeserver
COPY --from=build /app/web-client/dist web-client/dist
COPY --chmod=755 docker docker
USER weft
ENV NODE_ENV=production WEFT_DATA_DIR=/data WEFT_LISTEN=0.0.0.0:8008
VOLUME /data
EXPOSE 8008 8448
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8008/_weft/health').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
ENTRYPOINT ["tini", "--", "node", "homeserver/bin/weft.mjs"]
CMD ["start"]
