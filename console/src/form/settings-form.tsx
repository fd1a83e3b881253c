import { change, settings } from '../program/draft.ts';
import { Field } from './field.tsx';
import { NumberField } from './number-field.tsx';
import { PairsField } from './pairs-field.tsx';

const NETWORKS: Record<string, string> = { none: 'None', outbound: 'Public addresses', allow: 'Only what is listed' };
const WORKSPACES: Record<string, string> = {
  writable: 'Writable: what it leaves there is a result',
  read_only: 'Read-only: results go to JOB_OUTPUT_DIR',
};

/** How the program is to run: all fields that the service knows. */
export function SettingsForm() {
  const {
    args,
    stdin,
    env,
    labels,
    net_policy: network,
    allow,
    split_output: isSplit,
    workspace,
    entry,
    callback_url: callback,
  } = settings.value;
  return (
    <div class="settings">
      <fieldset>
        <legend>What it is given</legend>
        <Field name="args" label="Arguments" hint="One a line. Spaces within a line belong to the argument.">
          {(attributes) => (
            <textarea
              {...attributes}
              rows={Math.max(2, args.length)}
              spellcheck={false}
              value={args.join('\n')}
              onInput={(event) => change({ args: event.currentTarget.value === '' ? [] : event.currentTarget.value.split('\n') })}
            />
          )}
        </Field>
        <Field name="stdin" label="Standard input">
          {(attributes) => (
            <textarea
              {...attributes}
              rows={2}
              spellcheck={false}
              value={stdin}
              onInput={(event) => change({ stdin: event.currentTarget.value })}
            />
          )}
        </Field>
        <PairsField name="env" label="Environment" one="variable" value={env} onChange={(pairs) => change({ env: pairs })} />
        <PairsField name="labels" label="Labels" one="label" value={labels} onChange={(pairs) => change({ labels: pairs })} />
      </fieldset>
      <fieldset>
        <legend>What it may use</legend>
        <div class="grid">
          <NumberField name="timeout_sec" label="Time" unit="s" />
          <NumberField name="mem_limit_mb" label="Memory" unit="MiB" />
          <NumberField name="cpu_limit" label="CPUs" unit="cores" />
          <NumberField name="pids_limit" label="Processes" unit="" />
          <NumberField name="disk_limit_mb" label="Disk" unit="MiB" />
          <NumberField name="output_limit_mb" label="Output" unit="MiB" />
        </div>
      </fieldset>
      <fieldset>
        <legend>How it runs</legend>
        <div class="grid">
          <Field name="net_policy" label="Network">
            {(attributes) => (
              <select {...attributes} value={network || 'none'} onChange={(event) => change({ net_policy: event.currentTarget.value })}>
                {Object.entries(NETWORKS).map(([each, words]) => (
                  <option key={each} value={each}>
                    {words}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Field name="entry" label="Entry">
            {(attributes) => (
              <input
                {...attributes}
                placeholder="main.py"
                autocomplete="off"
                value={entry}
                onInput={(event) => change({ entry: event.currentTarget.value })}
              />
            )}
          </Field>
        </div>
        {network === 'allow' && (
          <Field name="allow" label="Reaches" hint="One a line: a name, *.name or an address, with :port or without.">
            {(attributes) => (
              <textarea
                {...attributes}
                rows={Math.max(2, allow.length)}
                spellcheck={false}
                placeholder="api.example.org:443"
                value={allow.join('\n')}
                onInput={(event) => change({ allow: event.currentTarget.value === '' ? [] : event.currentTarget.value.split('\n') })}
              />
            )}
          </Field>
        )}
        <Field name="workspace" label="Its own folder">
          {(attributes) => (
            <select {...attributes} value={workspace || 'read_only'} onChange={(event) => change({ workspace: event.currentTarget.value })}>
              {Object.entries(WORKSPACES).map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field name="callback_url" label="Tell the end to">
          {(attributes) => (
            <input
              {...attributes}
              type="url"
              placeholder="https://…"
              autocomplete="off"
              value={callback}
              onInput={(event) => change({ callback_url: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field name="split_output" label="Standard error" hint="Told apart, the order of the two streams is that of their arrival.">
          {(attributes) => (
            <select
              {...attributes}
              value={isSplit ? 'apart' : 'together'}
              onChange={(event) => change({ split_output: event.currentTarget.value === 'apart' })}
            >
              <option value="apart">Told apart from output, and marked</option>
              <option value="together">In one with output, in its exact order</option>
            </select>
          )}
        </Field>
      </fieldset>
    </div>
  );
}

/** What differs from the defaults, in a few words. */
export function settingsInWords(): string {
  const { args, stdin, env, labels, limits, net_policy: network } = settings.value;
  const set = Object.entries(limits).filter(([, text]) => text.trim() !== '');
  const words = [
    args.length > 0 ? `${args.length} argument${args.length === 1 ? '' : 's'}` : '',
    env.length > 0 ? `${env.length} variable${env.length === 1 ? '' : 's'}` : '',
    stdin === '' ? '' : 'input',
    labels.length > 0 ? `${labels.length} label${labels.length === 1 ? '' : 's'}` : '',
    ...set.map(
      ([name, text]) =>
        ({ timeout_sec: `${text} s`, mem_limit_mb: `${text} MiB`, cpu_limit: `${text} CPUs` })[name] ??
        name.replace('_limit', '').replace('_mb', ''),
    ),
    network === '' || network === 'none' ? '' : 'network',
  ].filter(Boolean);
  return words.length === 0 ? 'the defaults' : words.join(', ');
}
