# The service: API and worker in one image.
#
#   docker build -t job-runner:latest .
#
#   docker run --rm -p 127.0.0.1:8000:8000 -e ALLOW_ANONYMOUS=1 -v "$PWD/data:/data" job-runner:latest          the API
#   docker run --rm … job-runner:latest worker                                                                  a worker
#   docker run --rm job-runner:latest --help                                                                    the rest
#
# The bases by digest, which docs/deploying.md tells how to find:
#   docker build --build-arg NODE_IMAGE=node:24-slim@sha256:… --build-arg PYTHON_IMAGE=python:3.12-slim@sha256:… .
ARG NODE_IMAGE=node:24-slim
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY scripts/node/package.json scripts/node/
RUN npm ci --ignore-scripts --include=dev --include=optional
COPY . .
# What only building needs goes again; so does the Node of the packages, for the image has one.
RUN npm run build && npm prune --ignore-scripts --omit=dev --omit=optional && rm -rf dist/.built-from scripts src tsconfig*

FROM ${PYTHON_IMAGE}
# bubblewrap isolates jobs where the container lets it; tini hands signals on and clears up after what jobs leave.
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap tini \
    && rm -rf /var/lib/apt/lists/* \
    && echo 'runner:x:10001:' >> /etc/group \
    && echo 'runner:x:10001:10001:runner:/data:/usr/sbin/nologin' >> /etc/passwd \
    && install -d -o runner -g runner /data
COPY --from=build /usr/local/bin/node /usr/local/bin/node
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
