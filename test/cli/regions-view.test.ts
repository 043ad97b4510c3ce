import t from 'tap'
import { renderRegion, renderRegionList, staleWords } from '../../src/cli/regions-view.ts'
import { plain } from '../../src/cli/terminal.ts'
import type { RegionView } from '../../src/control/schemas.ts'
import { exampleRegion } from '../support/example-region.ts'

const frankfurt: RegionView = {
  ...exampleRegion('edge-fra', { name: 'Frankfurt', capacityRequests: 80 }),
  ...{ state: 'up', reason: 'probe', detail: 'probes are answered', source: 'file', revision: 0 },
}
const london: RegionView = {
  ...exampleRegion('edge-lhr', { name: 'London', biasMs: -5, capabilities: ['chat'], labels: { city: 'London' } }),
  ...{ state: 'draining', reason: 'operator', detail: 'drained by ops: new disks', source: 'registered', revision: 3 },
  load: { epoch: 3, sequence: 9, inflight: 12, capacityRequests: 60, cpu: 0.256, errorRate: 0, ageMs: 1_240 },
  lease: { epoch: 3, expiresInMs: 8_760 },
  drain: { by: 'ops', reason: 'new disks', ageMs: 180_000 },
}

t.test('the fleet is a table', async t => {
  t.same(renderRegionList([frankfurt, london], plain), [
    'region    tier  name       state     in flight  holds  why',
    'edge-fra  edge  Frankfurt  up                      80  probe: probes are answered',
    'edge-lhr  edge  London     draining         12     60  operator: drained by ops: new disks',
  ])
  t.same(renderRegionList([], plain).length, 1, 'an empty one is a sentence')
})

t.test('what is old says so', async t => {
  t.equal(staleWords({}), undefined)
  t.match(staleWords({ stale: true, ageMs: 180_000 }), /^the shared store cannot be read: .*, 3 min ago$/)
  t.match(staleWords({ stale: true }), /before this router started$/)
  t.match(
    renderRegion({ ...frankfurt, stale: true, ageMs: 1_240 }, plain).at(-1),
    /^old +the shared store .* 1\.2 s ago$/,
  )
})

t.test('a region is a list of what is known of it, and of nothing else', async t => {
  t.same(renderRegion(frankfurt, plain), [
    'region      edge-fra (Frankfurt), edge',
    'state       up',
    'why         probe: probes are answered',
    'place       50.11, 8.68',
    'public URL  https://edge-fra.example.com',
    'holds       80 requests',
    'weight      1',
    'known from  a file',
  ])
  t.same(renderRegion(london, plain), [
    'region        edge-lhr (London), edge',
    'state         draining',
    'why           operator: drained by ops: new disks',
    'drained       3 min ago by ops: new disks',
    'place         50.11, 8.68',
    'public URL    https://edge-lhr.example.com',
    'weight        1',
    'bias          -5 ms',
    'capabilities  chat',
    'labels        city=London',
    'known from    its registration',
    'lease         epoch 3, believed for another 8.8 s',
    'load          12 in flight, CPU 26 %, errors 0 %, reported 1.2 s ago',
  ])
})
