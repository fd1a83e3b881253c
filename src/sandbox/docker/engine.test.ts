import { describe, expect, it } from 'vitest';
import { StartError } from '../../errors.ts';
import { parseDockerHost, possibleEngines } from './engine.ts';

describe('DOCKER_HOST', () => {
  it.each([
    ['unix:///run/docker.sock', { socketPath: '/run/docker.sock' }],
    ['tcp://10.0.0.7:4243', { host: '10.0.0.7', port: 4243 }],
    ['tcp://docker', { host: 'docker', port: 2375 }],
    ['tcp://[::1]:2375', { host: '::1', port: 2375 }],
    ['https://docker', { host: 'docker', port: 2376, tls: {} }],
  ])('reads %s', (text, connection) => {
    expect(parseDockerHost(text, undefined).connection).toEqual(connection);
  });

  it.each(['ssh://root@host', '/var/run/docker.sock', 'tcp://', 'npipe:////./pipe/docker_engine', 'unix://relative'])(
    'refuses %s',
    (text) => {
      expect(() => parseDockerHost(text, undefined)).toThrow(StartError);
    },
  );

  it('refuses a folder without certificates', () => {
    expect(() => parseDockerHost('tcp://docker:2376', '/nonexistent')).toThrow(/ca\.pem/);
  });

  it('names all there is to look at: with it, nothing else', () => {
    const settings = { dockerHost: undefined, certificates: undefined, runtimeDir: '/run/user/1000' };
    expect(possibleEngines(settings).map(({ host }) => host)).toEqual([
      'unix:///var/run/docker.sock',
      'unix:///run/podman/podman.sock',
      'unix:///run/user/1000/docker.sock',
      'unix:///run/user/1000/podman/podman.sock',
    ]);
    expect(possibleEngines({ ...settings, dockerHost: 'tcp://a:1' })).toHaveLength(1);
  });
});
