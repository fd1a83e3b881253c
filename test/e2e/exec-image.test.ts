import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExecImage } from '../support/docker-image.ts';
import { startDockerd, whyNoDockerd, type Dockerd } from '../support/dockerd.ts';

const BUILD_MS = 10 * 60_000;
const missing = whyNoDockerd();

describe.skipIf(missing !== undefined)(`the image that jobs run in${missing === undefined ? '' : ` (${missing})`}`, () => {
  let docker: Dockerd | undefined;
  let image: string;
  beforeAll(async () => {
    docker = await startDockerd();
    image = await buildExecImage(docker);
  }, BUILD_MS);
  afterAll(() => docker?.close());

  const python = (program: string): Promise<string> | undefined =>
    docker?.cli(['run', '--rm', '--network=none', image, 'python3', '-W', 'error', '-c', program]);

  it('has the packages of the requirements, as a user without rights', async () => {
    const said = await python('import os, numpy, pandas, matplotlib; print(os.getuid(), pandas.DataFrame({"a": [1, 2]}).a.sum())');
    expect(said).toBe('54321 3\n');
  });

  it('draws text of any script without a warning, and does not search for fonts first', async () => {
    const said = await python(`import matplotlib.font_manager as fonts
fonts.findSystemFonts = None
import matplotlib.pyplot as plot
plot.title("Größe Ωμέγα Жук 統計 통계 グラフ")
plot.savefig("/tmp/plot.png")
print("drawn")`);
    expect(said).toBe('drawn\n');
  });
});
