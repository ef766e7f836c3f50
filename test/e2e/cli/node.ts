import { dataDirAt } from '../../../node/data-dir.ts'
import { ControlClient } from '../../../node/gateway/control-client.ts'
import { controlEndpoint } from '../../../node/gateway/control-endpoint.ts'
import type { OfferView } from '../../../node/gateway/offer-views.ts'
import type { ModelsView, StatusView } from '../../../node/gateway/views.ts'
import { waitUntil } from '../../helpers/wait.ts'
import type { Person, RunOptions } from './person.ts'

/** What keeps a test's nodes to this machine, and measures nothing. */
export const AT_HOME = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--threads', '1'] as const

/** A person's node in the background. */
export class BackgroundNode {
  readonly folder: string
  readonly control: ControlClient
  readonly status: StatusView

  private constructor(folder: string, status: StatusView) {
    this.folder = folder
    this.status = status
    this.control = new ControlClient(controlEndpoint(dataDirAt(folder)))
  }

  /** `shoal up --detach`. */
  static async start(
    person: Person,
    name: string,
    flags: readonly string[],
    options: RunOptions = {},
  ): Promise<BackgroundNode> {
    const folder = person.folder(name)
    const args = ['up', '--detach', '--data', folder, ...AT_HOME, ...flags]
    const status = await person.json<StatusView>(args, options)
    person.owns(status.pid)
    return new BackgroundNode(folder, status)
  }

  get address(): string {
    return this.status.addresses[0]!
  }

  /** Waits until nothing more becomes of its models. */
  async modelsLoaded(): Promise<ModelsView> {
    let models: ModelsView
    await waitUntil('the models are loaded', async () => {
      models = (await this.control.call('models', {})) as ModelsView
      return models.served.length > 0 && models.served.every(({ state }) => /ready|failed/.test(state))
    })
    return models!
  }

  /** Waits until it knows others' offers of so many models. */
  async knowsOffers(count: number): Promise<void> {
    await waitUntil('the offers are known', async () => {
      const offers = (await this.control.call('offers', {})) as OfferView[]
      return offers.filter(({ own }) => !own).length >= count
    })
  }
}
