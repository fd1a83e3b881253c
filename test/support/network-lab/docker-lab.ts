import { buildExecImage } from '../docker-image.ts';
import { startDockerd } from '../dockerd.ts';
import { EGRESS, openLab, type Lab } from './lab.ts';

/** A lab whose machine has an engine. Its jobs leave through a network that was made by hand, where engines have a resolver in each container. */
export async function openDockerLab(): Promise<Lab> {
  // Where the lab is, nothing can be fetched.
  const outside = await startDockerd();
  try {
    await buildExecImage(outside);
  } finally {
    await outside.close();
  }
  return openLab('root', EGRESS, { dockerNetwork: 'jobs' });
}
