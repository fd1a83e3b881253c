# The service: API and worker in one image.
#
#   docker build -t job-runner:latest .
#
#   docker run --rm job-runner:latest --help
#
# Alone it is the whole service in one container (docs/deploying.md tells how to start that), beside Redis an API or a worker (docker-compose.yml).
#
# The bases by digest, which docs/deploying.md tells how to find:
#   docker build --build-arg NODE_IMAGE=node:24-slim@sha256:… --build-arg PYTHON_IMAGE=python:3.12-slim@sha256:… .
ARG NODE_IMAGE=node:24-slim
ARG PYTHON_IMAGE=python:3.12-slim

# What runs, in layers of its own: another version of the service has the same ones, mostly.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY scripts/node/package.json scripts/node/
# The Node of the packages stays away, for the image has one.
RUN npm ci --ignore-scripts --omit=dev --omit=optional

FROM packages AS build
RUN npm ci --ignore-scripts --include=dev --include=optional
COPY . .
RUN npm run build && rm -rf node_modules dist/.built-from console scripts src tsconfig*

FROM ${PYTHON_IMAGE}
# bubblewrap isolates jobs where the container lets it; tini hands signals on and clears up after what jobs leave.
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap tini \
    && rm -rf /var/lib/apt/lists/* \
    && echo 'runner:x:10001:' >> /etc/group \
    && echo 'runner:x:10001:10001:runner:/data:/usr/sbin/nologin' >> /etc/passwd \
    && install -d -o runner -g runner /data
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=packages /app/node_modules /app/node_modules
COPY --from=build /app /app
RUN ln -s /app/bin/job-runner.cjs /usr/local/bin/job-runner \
    && ln -s /app/deploy/container/entrypoint.sh /usr/local/bin/entrypoint

# Inside of a container every address is the container's own: who reaches it, its ports and networks decide. That everybody who
# does may run code must be said all the same (ALLOW_ANONYMOUS=1), or keys be given (API_KEYS_FILE).
ENV HOST=0.0.0.0 PORT=8000 JOB_DATA_DIR=/data/jobs NODE_ENV=production HOME=/data
EXPOSE 8000
WORKDIR /data
# A worker answers no requests: it is well as long as it runs.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "/app/deploy/container/healthcheck.mjs"]
ENTRYPOINT ["tini", "--", "entrypoint"]
CMD ["serve"]
