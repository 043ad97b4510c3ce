/** Reading the fleet. */

import Type from 'typebox'
import { MeridianError } from '../errors.ts'
import { RegionId } from '../regions/region.ts'
import { shown } from '../schema.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { type FleetReader, readFleet, staleness } from './fleet-reading.ts'
import { viewFleet } from './region-views.ts'
import { entityTag } from './revisions.ts'
import { answer, answers, type RegionView, reference } from './schemas.ts'

const tags = ['regions']
const RegionList = Type.Object({ regions: Type.Array(reference('RegionView')), ...staleness })

export const RegionPath = Type.Object({ id: RegionId }, { additionalProperties: false })

export function regionRoutes(app: ControlServer, dependencies: ControlDependencies): void {
  app.get(
    '/v1/regions',
    {
      config: { right: 'read' },
      schema: {
        tags,
        summary: 'All regions and the state that decisions go by',
        response: answers({ 200: answer('By id', RegionList) }),
      },
    },
    async () => {
      const { fleet, staleness } = await readFleet(dependencies)
      return { regions: viewFleet(fleet, dependencies.currentSnapshot(), dependencies.drains), ...staleness }
    },
  )
  app.get(
    '/v1/regions/:id',
    {
      config: { right: 'read' },
      schema: {
        tags,
        summary: 'One region; its ETag is for If-Match',
        params: RegionPath,
        response: answers({ 200: answer('The region', reference('RegionView')) }),
      },
    },
    async ({ params }, reply) => {
      const region = await readRegion(dependencies, params.id)
      reply.header('etag', entityTag(region.revision))
      return region
    },
  )
}

/** @throws MeridianError REGION_UNKNOWN */
export async function readRegion(
  { currentSnapshot, drains, ...reader }: FleetReader & Pick<ControlDependencies, 'currentSnapshot' | 'drains'>,
  id: string,
): Promise<RegionView> {
  const { fleet, staleness } = await readFleet(reader)
  const view = viewFleet(fleet, currentSnapshot(), drains).find(region => region.id === id)
  if (view === undefined) throw new MeridianError('REGION_UNKNOWN', `there is no region ${shown(id)}`)
  return { ...view, ...staleness }
}
