/** The fleet as a whole: how it is, and the operator's brake on it. */

import Type, { type Static } from 'typebox'
import { type FleetMode, fleetModes } from '../regions/store.ts'
import { checker } from '../schema.ts'
import { callerName } from './authorisation.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { readFleet, staleness } from './fleet-reading.ts'
import { checkBody } from './request-checker.ts'
import { answer, answers } from './schemas.ts'

const tags = ['fleet']
const Mode = Type.Unsafe<FleetMode>(Type.String({ enum: [...fleetModes] }))
const ModeBody = Type.Object({ mode: Mode }, { additionalProperties: false })
const checkMode = checker(ModeBody)

const Count = Type.Integer()
const FleetView = Type.Object(
  {
    mode: Mode,
    regions: Type.Object({ total: Count, up: Count, impaired: Count, draining: Count, down: Count }),
    snapshot: Type.Object({ version: Type.Integer(), ageMs: Type.Number() }),
    leader: Type.Optional(
      Type.String({ description: 'Router that sets the tolls of the fleet; absent: none does at this moment' }),
    ),
    tolls: Type.Optional(
      Type.Object(
        {
          term: Type.Integer({ description: 'Rises with every change of the leader' }),
          ageMs: Type.Number({ description: 'Since they were set; after 10 s they lose their weight' }),
        },
        { description: 'Tolls that decisions count; absent: none were set yet' },
      ),
    ),
    writeFault: Type.Optional(
      Type.String({
        description:
          'Only while the shared store can be read but takes no registrations and heartbeats: why; no lease lapses then',
      }),
    ),
    ...staleness,
  },
  { additionalProperties: false },
)
export type FleetView = Static<typeof FleetView>

export function fleetRoutes(app: ControlServer, dependencies: ControlDependencies): void {
  const { store, refresh } = dependencies
  app.get(
    '/v1/fleet',
    {
      config: { right: 'read' },
      schema: {
        tags,
        summary: 'The mode of the fleet and how many regions are in which state',
        response: answers({ 200: answer('The fleet', FleetView) }),
      },
    },
    async () => viewFleetState(dependencies),
  )
  app.post(
    '/v1/fleet/mode',
    {
      config: { right: 'operator', fleetWide: true, action: 'mode' },
      schema: {
        tags,
        summary: 'Sets the mode of the whole fleet, until it is set again',
        description:
          'auto: everything counts. frozen: states and loads stay as they are, only drains are followed. ' +
          'distance-only: loads are left out of every decision.',
        body: ModeBody,
        response: answers({ 200: answer('The fleet', FleetView) }),
      },
    },
    async request => {
      const { mode } = checkBody(checkMode, request.body, 'REQUEST_INVALID')
      const { mode: before } = await store.read()
      await store.setMode(mode, callerName(request))
      if (mode !== before) request.change = { before, after: mode }
      await refresh()
      return viewFleetState(dependencies)
    },
  )
}

async function viewFleetState(dependencies: ControlDependencies): Promise<FleetView> {
  const { currentSnapshot, clock } = dependencies
  const { fleet, staleness } = await readFleet(dependencies)
  const { version, takenAt, leader, tolls, regions } = currentSnapshot()
  const count = { total: regions.length, up: 0, impaired: 0, draining: 0, down: 0 }
  for (const { verdict } of regions) count[verdict.condition]++
  const ageOf = (at: number): number => Math.max(0, Math.round(clock.now() - at))
  const { mode, writeFault } = fleet
  const fault = writeFault === undefined || staleness.stale ? {} : { writeFault }
  return {
    ...{ mode, regions: count, snapshot: { version, ageMs: ageOf(takenAt) } },
    ...(leader !== undefined && { leader }),
    ...(tolls !== undefined && { tolls: { term: tolls.term, ageMs: ageOf(tolls.setAt) } }),
    ...fault,
    ...staleness,
  }
}
