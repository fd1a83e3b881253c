#!/usr/bin/env node
'use strict';
// Plain old JavaScript: whatever Node runs it, it must at least get to this sentence. The number is that of `engines`.
var version = process.versions.node.split('.').map(Number);
if (version[0] < 22 || (version[0] === 22 && version[1] < 18)) {
  process.stderr.write('job-runner needs Node 22.18 or newer, and this is Node ' + process.versions.node + '.\n');
  process.exit(1);
}
require('../dist/cli/main.js');
