import { describe, expect, it } from 'vitest';
import { SPECIAL_HOSTS } from '../../../test/support/network-lab/addresses.ts';
import { createDecision, inWords, parseRange, rulesFor, type Range } from './ranges.ts';

const ranges = (...texts: string[]): Range[] => texts.map((text) => parseRange(text)).filter((range) => range !== undefined);
const decision = (own: string[] = [], denied: string[] = [], allowed: string[] = []): ((address: string) => boolean) =>
  createDecision(rulesFor(own, ranges(...denied), ranges(...allowed)));

describe('which addresses jobs may reach', () => {
  it('are the public ones, up to the edges of those that are not', () => {
    const isPermitted = decision();
    const permitted = [
      '1.1.1.1',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.0.1.0',
    ];
    permitted.push('192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255', '168.63.129.15', '128.0.0.1');
    permitted.push('2000::', '2001:200::', '2001:db7:ffff::', '2001:db9::', '2003::', '2a00:1450::1', '3ffe:ffff::', '3fff:1000::');
    expect(permitted.filter((address) => !isPermitted(address))).toEqual([]);
    const refused = [
      '0.0.0.0',
      '10.0.0.0',
      '10.255.255.255',
      '100.64.0.0',
      '100.127.255.255',
      '127.0.0.1',
      '127.255.255.255',
      '172.16.0.0',
    ];
    refused.push('172.31.255.255', '192.0.0.0', '192.168.255.255', '198.19.255.255', '224.0.0.1', '239.255.255.255', '255.255.255.255');
    refused.push(
      '::',
      '::1',
      '::ffff:1.1.1.1',
      '::ffff:10.0.0.1',
      '::1.1.1.1',
      '64:ff9b::1.1.1.1',
      '100::1',
      '1fff:ffff::',
      '4000::',
      '5f00::1',
    );
    refused.push('2001::1', '2001:1ff:ffff::', '2002::1', 'fc00::', 'fdff::1', 'fe80::1', 'fec0::1', 'ff02::1', 'ffff::');
    expect([...refused, ...Object.values(SPECIAL_HOSTS)].filter(isPermitted)).toEqual([]);
  });

  it('are no more than an operator leaves, and special ones that an operator opens', () => {
    const isPermitted = decision([], ['1.2.0.0/16', '10.1.0.0/16', '2a00::/16'], ['10.0.0.0/8', 'fd00::/8', '169.254.0.0/16']);
    expect(['1.3.0.1', '10.0.0.1', 'fd12::1', '169.254.1.1', '2b00::1'].filter((address) => !isPermitted(address))).toEqual([]);
    expect(
      ['1.2.3.4', '10.1.2.3', '2a00:1450::1', '172.16.0.1', 'fc00::1', '169.254.169.254', 'fd00:ec2::254'].filter(isPermitted),
    ).toEqual([]);
  });

  it('are not the machine’s own but where each is named', () => {
    const own = ['10.0.0.5', '1.2.3.4', 'fd00:1::5', '127.0.0.1'];
    expect(own.filter(decision(own, [], ['10.0.0.0/8', 'fd00::/8', '1.0.0.0/8']))).toEqual([]);
    expect(own.filter(decision(own, [], ['10.0.0.5', '1.2.3.4/32', 'fd00:1::5/128']))).toEqual(['10.0.0.5', '1.2.3.4', 'fd00:1::5']);
    expect(['169.254.169.254'].filter(decision([], [], ['169.254.169.254']))).toEqual(['169.254.169.254']);
  });
});

it('ranges are read as they are written, or not at all', () => {
  expect(ranges('10.0.0.0/8', '1.2.3.4', 'fd00::/8', '::1', '0.0.0.0/0').map(inWords)).toEqual([
    '10.0.0.0/8',
    '1.2.3.4/32',
    'fd00::/8',
    '::1/128',
    '0.0.0.0/0',
  ]);
  expect(ranges('10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '10.0.0/8', 'fe80::1%eth0', 'fd00::/129', 'a.b', '1.2.3.4/8/8', '')).toEqual([]);
});
