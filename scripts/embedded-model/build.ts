import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { RECIPES } from './recipes.ts'

/**
 * Builds the embedded models from nothing: corpus and vocabulary, training, packing, evaluation, model card.
 * A step that was interrupted goes on where it was when run again with --resume.
 */
const { values } = parseArgs({
  options: {
    work: { type: 'string', default: process.env.SHOAL_MODEL_WORK ?? 'cache/embedded-model' },
    out: { type: 'string', default: 'inference/models/embedded' },
    python: { type: 'string', default: process.env.PYTHON ?? 'python3' },
    only: { type: 'string' },
    resume: { type: 'boolean', default: false },
    'skip-prepare': { type: 'boolean', default: false },
    'skip-training': { type: 'boolean', default: false },
  },
})
const here = import.meta.dirname
const data = path.join(values.work, 'data')
const recipes = RECIPES.filter(({ name }) => values.only === undefined || values.only === name)
if (recipes.length === 0)
  throw new Error(`--only ${values.only} is none of ${RECIPES.map(({ name }) => name).join(', ')}`)

async function run(command: string, args: readonly string[]): Promise<void> {
  console.log(`\n$ ${path.basename(command)} ${args.join(' ')}`)
  const child = spawn(command, args, { stdio: 'inherit' })
  const [code, signal] = await once(child, 'close')
  if (code !== 0) throw new Error(`${path.basename(command)} ended with ${signal ?? code}`)
}
const script = (name: string, ...args: string[]) => run(process.execPath, [path.join(here, name), ...args])
const folder = (name: string) => path.join(values.work, name)
const file = (name: string) => path.join(values.out, name)

await mkdir(values.out, { recursive: true })
if (!values['skip-prepare']) await script('prepare.ts', '--work', values.work)
for (const { name, title, training, files } of recipes) {
  if (!values['skip-training']) {
    const settings = Object.entries(training).flatMap(([key, value]) => [`--${key}`, String(value)])
    const resume = values.resume ? ['--resume'] : []
    await run(values.python, [
      path.join(here, 'train.py'),
      '--data',
      data,
      '--out',
      folder(name),
      ...settings,
      ...resume,
    ])
  }
  for (const { name: fileName, type } of files) {
    const vocabulary = path.join(data, 'vocabulary.json')
    await script(
      'pack.ts',
      ...[
        '--trained',
        folder(name),
        '--vocabulary',
        vocabulary,
        '--name',
        title,
        '--type',
        type,
        '--out',
        file(fileName),
      ],
    )
  }
}
await script(
  'evaluate.ts',
  ...RECIPES.flatMap(recipe => recipe.files).map(({ name }) => file(name)),
  ...RECIPES.flatMap(({ name }) => ['--training', folder(name)]),
  ...['--data', data, '--out', file('report.json')],
)
await script('card.ts', '--report', file('report.json'), '--out', file('MODEL_CARD.md'))
await run('npx', ['biome', 'format', '--write', file('report.json'), file('MODEL_CARD.md')])
