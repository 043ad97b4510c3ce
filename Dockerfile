# Meridian in a container: built with everything, run with as little as possible.
#
#   docker build -t meridian-router .
#   docker run --rm -p 8080:8080 meridian-router
#   docker run --rm --network host meridian-router demo

FROM node:24-slim AS build
WORKDIR /meridian
# The packages first: they change less often than the sources, and so stay in the cache. Their install scripts are not
# needed here: the one of `node` fetches a Node.js, which the image has.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /meridian
COPY --from=build /meridian/node_modules ./node_modules
COPY --from=build /meridian/dist ./dist
COPY package.json LICENSE meridian.yaml ./
COPY data/city.mmdb data/country-points.json data/ATTRIBUTION.md ./data/
COPY regions ./regions
RUN ln -s /meridian/dist/cli/meridian.js /usr/local/bin/meridian
USER node

# Clients come to 8080. The control API (8081) listens on the container's own loopback: see compose.yaml.
EXPOSE 8080
# Another control port than in meridian.yaml needs MERIDIAN_CONTROL_URL, which the command line reads as well.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --start-interval=1s CMD ["node", "-e", \
  "fetch((process.env.MERIDIAN_CONTROL_URL ?? 'http://127.0.0.1:8081') + '/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["meridian"]
CMD ["serve", "--config", "meridian.yaml"]
