import { stat } from 'node:fs/promises'
import { z } from 'zod'
import type { LoadedModel } from '../../../inference/engine.ts'
import { isNamed, marketNameOf } from '../../market/model-names.ts'
import type { ShoalNode } from '../../node.ts'
import { VERSION } from '../../version.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayPlugin } from '../http/plugin.ts'
import type { Principal } from '../http/principal.ts'
import { type KnownModel, knownModels } from '../inference/known-models.ts'
import { modelField, ollamaErrors } from './schema.ts'
import { modelOf } from './translation.ts'

/** The release of Ollama whose API is spoken here: clients ask what they may rely on. */
const OLLAMA_API = '0.12.6'

const details = z.object({
  parent_model: z.string(),
  format: z.string(),
  family: z.string(),
  families: z.array(z.string()),
  parameter_size: z.string(),
  quantization_level: z.string(),
})
const entry = z.object({
  name: z.string(),
  model: z.string(),
  modified_at: z.string(),
  size: z.int().describe('Bytes of the file; 0 where this node does not have it.'),
  digest: z.string(),
  details,
})
const tagsSchema = z.object({ models: z.array(entry) })
const psSchema = z.object({
  models: z.array(
    entry
      .omit({ modified_at: true })
      .extend({ expires_at: z.string(), size_vram: z.int(), context_length: z.int() }),
  ),
})
const showSchema = z.object({
  license: z.string(),
  modelfile: z.string(),
  parameters: z.string(),
  template: z.string(),
  details,
  model_info: z.record(z.string(), z.union([z.string(), z.number()])),
  capabilities: z.array(z.string()),
  modified_at: z.string(),
})

/** `GET /api/tags`, `/api/ps` and `/api/version`, `POST /api/show`: what there is on the network and here. */
export const modelRoutes: GatewayPlugin = (app, { node, clock }) => {
  // Files of models have no date that all would agree on.
  const modified_at = new Date(clock.nowMs()).toISOString()
  app.route({
    method: 'GET',
    url: '/api/tags',
    config: { needs: 'look', dialect: 'ollama' },
    schema: {
      summary: 'Models that can be asked for',
      tags: ['Ollama'],
      response: { 200: tagsSchema, ...ollamaErrors },
    },
    handler: async ({ principal }, reply) => {
      const models = await Promise.all(
        allowed(node, principal).map(async known => {
          const own = ownOf(node, known)
          return {
            ...{ name: known.name, model: known.name, modified_at },
            ...{ size: await sizeOf(own), digest: digestOf(known.ids[0]!), details: detailsOf(known, own) },
          }
        }),
      )
      return reply.send({ models })
    },
  })
  app.route({
    method: 'GET',
    url: '/api/ps',
    config: { needs: 'look', dialect: 'ollama' },
    schema: {
      summary: 'Models that this node runs',
      tags: ['Ollama'],
      response: { 200: psSchema, ...ollamaErrors },
    },
    handler: async ({ principal }, reply) => {
      const known = allowed(node, principal)
      const models = await Promise.all(
        node.parts.engine.status().models.flatMap(own => {
          const model = known.find(({ ids }) => ids.includes(own.id))
          return model === undefined ? [] : [running(model, own)]
        }),
      )
      return reply.send({ models })
    },
  })
  app.route({
    method: 'POST',
    url: '/api/show',
    config: { needs: 'look', dialect: 'ollama' },
    schema: {
      summary: 'One model',
      tags: ['Ollama'],
      body: z.object({ model: modelField.optional(), name: modelField.optional() }),
      response: { 200: showSchema, ...ollamaErrors },
    },
    handler: async ({ body, principal }, reply) => {
      const wanted = modelOf(body.model ?? body.name ?? '')
      const known = allowed(node, principal).find(
        ({ name, ids }) => name === wanted || ids.some(id => isNamed(wanted, id)),
      )
      if (known === undefined) {
        throw new GatewayError('NOT_FOUND', `model '${wanted}' not found`, {
          param: 'model',
          fix: '/api/tags tells which there are.',
        })
      }
      const own = ownOf(node, known)
      return reply.send({
        ...{ license: '', parameters: '', template: '', modified_at, details: detailsOf(known, own) },
        modelfile: `FROM ${known.ids[0]}\n`,
        model_info: infoOf(known, own),
        capabilities: capabilitiesOf(known),
      })
    },
  })
  app.route({
    method: 'GET',
    url: '/api/version',
    config: { needs: 'public', dialect: 'ollama' },
    schema: {
      summary: 'Which API of Ollama is spoken, and by which Shoal',
      tags: ['Ollama'],
      response: { 200: z.object({ version: z.string(), shoal: z.string() }) },
    },
    handler: async (_request, reply) => reply.send({ version: OLLAMA_API, shoal: VERSION }),
  })
}

function allowed(node: ShoalNode, principal: Principal | null): KnownModel[] {
  return knownModels(node, { models: principal?.policy.models ?? null })
}

/** The same on the own engine; null where it does not run it. */
function ownOf(node: ShoalNode, { ids }: KnownModel): LoadedModel | null {
  return node.parts.engine.status().models.find(({ id }) => ids.includes(id)) ?? null
}

async function running(known: KnownModel, own: LoadedModel) {
  const size = await sizeOf(own)
  return {
    ...{ name: marketNameOf(own.id as never), model: known.name, size, size_vram: 0 },
    ...{ digest: digestOf(own.id), details: detailsOf(known, own), context_length: own.contextTokens },
    // It is not put away.
    expires_at: '9999-12-31T23:59:59Z',
  }
}

async function sizeOf(own: LoadedModel | null): Promise<number> {
  if (own === null) return 0
  return (await stat(own.path).catch(() => null))?.size ?? 0
}

function digestOf(id: string): string {
  return id.slice(id.indexOf(':') + 1)
}

function detailsOf(
  { parameters, quantizations }: KnownModel,
  own: LoadedModel | null,
): z.output<typeof details> {
  const family = own?.architecture ?? ''
  return {
    ...{ parent_model: '', format: 'gguf', family, families: family === '' ? [] : [family] },
    ...{ parameter_size: shortNumber(parameters), quantization_level: quantizations[0] ?? '' },
  }
}

function infoOf({ parameters, contextTokens }: KnownModel, own: LoadedModel | null) {
  const architecture = own?.architecture ?? 'unknown'
  return {
    'general.architecture': architecture,
    'general.parameter_count': parameters,
    [`${architecture}.context_length`]: contextTokens,
    ...(own === null ? {} : { [`${architecture}.embedding_length`]: own.embeddingLength }),
  }
}

function capabilitiesOf({ kinds }: KnownModel): string[] {
  const makesText = kinds.includes('chat') || kinds.includes('completion')
  return [
    ...(makesText ? ['completion'] : []),
    ...(kinds.includes('chat') ? ['tools'] : []),
    ...(kinds.includes('embedding') ? ['embedding'] : []),
  ]
}

/** As Ollama writes numbers of parameters: 7.6B, 494.03M. */
function shortNumber(count: number): string {
  const [unit, size] = count >= 1e9 ? (['B', 1e9] as const) : (['M', 1e6] as const)
  return count === 0 ? '' : `${Number((count / size).toFixed(count >= 1e9 ? 1 : 2))}${unit}`
}
