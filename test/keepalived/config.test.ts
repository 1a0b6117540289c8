import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readConfig } from '../../src/keepalived/config/config.ts';
import { keyOf } from '../../src/keepalived/config/lvs.ts';
import { commandOf } from '../../src/keepalived/config/vrrp.ts';
import { everyStatement } from '../../src/keepalived/read/tree.ts';

describe('what virtual servers mean', () => {
  const { virtualServers, serverGroups } = readConfig(
    'k',
    `virtual_server_group web {
  192.0.2.10 80
  192.0.2.20-22 80
  192.0.2.32/28
  2001:DB8::1-f 443
  fwmark 7 inet
  $X 80
}
virtual_server group web {
  delay_loop 6
  connect_timeout 4
  retry 2
  alpha
  lb_algo wrr
  lvs_method DR
  protocol tcp
  weight 3
  quorum 2
  sorry_server 10.0.0.9 80
  persistence_timeout
  inhibit_on_failure
  real_server 10.0.0.1 80 {
    delay_loop 7
    TCP_CHECK {
      delay_loop 8
      retry 0
    }
    HTTP_GET {
      connect_timeout 1.5
      alpha no
    }
  }
  real_server 10.0.0.2 {
    weight 0
    inhibit_on_failure off
    lvs_method NAT
    DNS_CHECK {
    }
    MISC_CHECK {
    }
  }
}
virtual_server fwmark 7 {
}
virtual_server 2001:DB8:0::10 443 {
}
virtual_server 192.0.2.300 80 {
}`,
  );

  it('take from the outside what they do not say', () => {
    const [web] = virtualServers;
    const checks = web!.realServers.flatMap((rs) => rs.checkers.map(({ kind, timing }) => ({ kind, ...timing })));
    assert.deepEqual(checks, [
      { kind: 'TCP_CHECK', delayLoop: 8, connectTimeout: 4, retry: 0, delayBeforeRetry: 1, warmup: 8, alpha: true },
      { kind: 'HTTP_GET', delayLoop: 7, connectTimeout: 1.5, retry: 2, delayBeforeRetry: 3, warmup: 7, alpha: false },
      { kind: 'DNS_CHECK', delayLoop: 6, connectTimeout: 4, retry: 2, delayBeforeRetry: 6, warmup: 6, alpha: true },
      { kind: 'MISC_CHECK', delayLoop: 6, connectTimeout: 4, retry: 2, delayBeforeRetry: 1, warmup: 6, alpha: true },
    ]);
    assert.deepEqual(
      web!.realServers.map(({ ip, port, weight, method, inhibitOnFailure }) => [ip, port, weight, method, inhibitOnFailure]),
      [
        ['10.0.0.1', 80, 3, 'DR', true],
        ['10.0.0.2', 0, 0, 'NAT', false],
      ],
    );
    const { protocol, scheduler, quorum, hysteresis, isPersistent, sorry } = web!;
    assert.deepEqual([protocol, scheduler, quorum, hysteresis, isPersistent], ['TCP', 'wrr', 2, 0, true]);
    assert.deepEqual([sorry?.ip, sorry?.port], ['10.0.0.9', 80]);
  });

  it('are named by address, mark or group', () => {
    assert.deepEqual(
      virtualServers.map(({ key }) => key),
      [
        { kind: 'group', name: 'web' },
        { kind: 'fwmark', mark: 7 },
        { kind: 'address', ip: '2001:db8::10', port: 443 },
        { kind: 'unclear' },
      ],
    );
    assert.deepEqual(keyOf([]), { kind: 'unclear' });
  });

  it('have groups of addresses, ranges, networks and marks', () => {
    assert.deepEqual(
      serverGroups[0]!.entries.map(({ at: _, ...entry }) => entry),
      [
        { kind: 'addresses', ip: '192.0.2.10', to: '192.0.2.10', port: 80 },
        { kind: 'addresses', ip: '192.0.2.20', to: '192.0.2.22', port: 80 },
        { kind: 'addresses', ip: '192.0.2.32', to: '192.0.2.47', port: 0 },
        { kind: 'addresses', ip: '2001:db8::1', to: '2001:db8::f', port: 443 },
        { kind: 'fwmark', mark: 7, family: 'inet' },
        { kind: 'unclear' },
      ],
    );
  });
});

describe('what VRRP means', () => {
  const config = readConfig(
    'k',
    `global_defs {
  vrrp_version 3
  vrrp_strict
}
vrrp_script chk {
  script "/bin/check a" b
  weight -20
}
vrrp_track_file old {
  file /run/x
}
vrrp_instance A {
  state MASTER
  interface eth0
  virtual_router_id 5
  unicast_src_ip 10.0.0.1
  unicast_peer {
    10.0.0.2
  }
  track_script {
    chk weight 5
    other
  }
  virtual_ipaddress {
    192.0.2.1/24 dev eth1 label x
    192.0.2.2
    nonsense
  }
}
vrrp_instance B {
  version 2
  strict_mode no
  priority 90
  priority $P
}
vrrp_instance C {
  virtual_ipaddress {
    fe80::1/64
  }
}
vrrp_sync_group G {
  group {
    A B
    C
  }
}`,
  );

  it('instances with defaults of global_defs and of their state', () => {
    const [a, b, c] = config.instances;
    assert.deepEqual([a!.name, a!.state, a!.interface?.text, a!.vrid, a!.priority], ['A', 'MASTER', 'eth0', 5, undefined]);
    assert.deepEqual([a!.basePriority, a!.version, a!.advertInterval, a!.isStrict, a!.family], [255, 3, 1, true, 4]);
    assert.deepEqual([b!.basePriority, b!.version, b!.isStrict, b!.family], [100, 2, false, undefined]);
    assert.deepEqual([c!.version, c!.family], [3, 6]);
    assert.deepEqual(
      a!.vips.map(({ ip, length, device }) => [ip, length, device?.text]),
      [
        ['192.0.2.1', 24, 'eth1'],
        ['192.0.2.2', undefined, undefined],
      ],
    );
    assert.deepEqual(
      a!.tracks.map(({ kind, name, weight }) => [kind, name.text, weight]),
      [
        ['script', 'chk', 5],
        ['script', 'other', undefined],
      ],
    );
    assert.deepEqual([a!.peers[0]?.keyword.text, a!.sourceIp], ['10.0.0.2', '10.0.0.1']);
  });

  it('groups and what can be tracked', () => {
    assert.deepEqual(
      config.groups.map(({ name, members }) => [name, members.map((m) => m.text)]),
      [['G', ['A', 'B', 'C']]],
    );
    assert.deepEqual(
      config.trackers.map(({ kind, name, weight }) => [kind, name, weight]),
      [
        ['script', 'chk', -20],
        ['file', 'old', 1],
      ],
    );
    const script = [...everyStatement(config.tree.root)].find(({ name }) => name === 'script');
    assert.deepEqual(commandOf(script!), ['/bin/check a', 'b']);
  });
});
