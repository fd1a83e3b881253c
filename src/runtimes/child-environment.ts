import { delimiter } from 'node:path';

/** What pip and apt need to know of this machine: how to reach the network, whom to trust, where to cache. */
const PASSED =
  /^(https?_proxy|all_proxy|no_proxy|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|XDG_(CACHE|CONFIG|DATA)_HOME|HOME)$/i;

/** pip's settings pass too, but none that say where to install to or from which interpreter. */
const PIP_SETTING = /^PIP_(?!TARGET$|PREFIX$|ROOT$|USER$|PYTHON$|SRC$|REQUIREMENT$|CONSTRAINT$|DRY_RUN$|REQUIRE_VIRTUALENV$)/;

const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(delimiter);

/** For programs that only answer a question. */
export const bareEnvironment = (): NodeJS.ProcessEnv => ({ PATH: SYSTEM_PATH, LANG: 'C.UTF-8' });

/** For programs that fetch packages. Nothing else of the service's environment, which may hold secrets, gets to them. */
export const installerEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...bareEnvironment(),
  ...Object.fromEntries(Object.entries(environment).filter(([name]) => PASSED.test(name) || PIP_SETTING.test(name))),
});
