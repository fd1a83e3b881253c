import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dockerd } from './dockerd.ts';

/** Images that docker-compose.yml and the README name and nobody can pull here (docs/decisions/032). */

/** Builds a Dockerfile beside files, on the images of docker-image.ts. */
async function buildFrom(docker: Dockerd, name: string, files: Record<string, string>, copies: readonly string[] = []): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'docker-stand-in-'));
  try {
    for (const [file, text] of Object.entries(files)) await writeFile(join(home, file), text, { mode: 0o755 });
    for (const file of copies) await cp(join(import.meta.dirname, file), join(home, file));
    await docker.cli(['build', '--network=host', '-t', name, '.'], { cwd: home });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Debian's Redis. The official image's is built with its protected mode off, which would answer to its own container only. */
export const provideRedis = (docker: Dockerd, name: string): Promise<void> =>
  buildFrom(docker, name, {
    'redis-server': '#!/bin/sh\nexec /usr/bin/redis-server "$@" --protected-mode no\n',
    Dockerfile: `FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends redis-server redis-tools && rm -rf /var/lib/apt/lists/*
COPY redis-server /usr/local/bin/
WORKDIR /data
`,
  });

/** Where a stand-in for MinIO looks for the server behind it, and says which keys it was given: in its folder of data. */
export const MINIO_FILES = { socket: 'server.sock', keys: 'keys.json' } as const;

/**
 * What a client of MinIO's container sees, which is S3 on port 9000 for the keys in its environment, with another server behind it: one that
 * listens on a Unix socket in the folder that is mounted for the data, and has been told of the keys.
 */
export const provideMinio = (docker: Dockerd, name: string): Promise<void> =>
  buildFrom(
    docker,
    name,
    {
      minio: `#!/bin/sh
set -eu
[ "$1" = server ] && [ -d "$2" ]
printf '["%s","%s"]' "$MINIO_ROOT_USER" "$MINIO_ROOT_PASSWORD" > "$2/new" && mv "$2/new" "$2/${MINIO_FILES.keys}"
exec node /forward.ts 0.0.0.0:9000 "$2/${MINIO_FILES.socket}"
`,
      Dockerfile: 'FROM node:24-slim\nCOPY forward.ts /\nCOPY minio /usr/local/bin/\nENTRYPOINT ["minio"]\n',
    },
    ['forward.ts'],
  );
