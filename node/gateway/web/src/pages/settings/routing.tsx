import { useState } from 'react'
import { describeError } from '../../data/api-error.ts'
import { postJson } from '../../data/http.ts'
import { useResource } from '../../data/resource.ts'
import type { PolicyView } from '../../data/views.ts'
import { Button } from '../../design/button.tsx'
import { Card, Facts, Notice } from '../../design/card.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { toast } from '../../design/toast.tsx'

/** How providers are chosen, and what has been learned of it. */
export function Routing({ canChange }: { canChange: boolean }) {
  const { data, error, reload } = useResource<PolicyView>('/api/route')
  const [isAsking, setAsking] = useState(false)
  const forget = async () => {
    setAsking(false)
    try {
      await postJson('/api/route/forget')
      toast('Routing begins to learn anew.', 'good')
    } catch (thrown) {
      toast(describeError(thrown).message, 'bad')
    }
    reload()
  }
  return (
    <Card
      title="Routing policy"
      about="Who is asked first: by price, speed, quality and trust, and by what became of tasks like it."
      actions={
        canChange ? (
          <Button size="s" kind="danger" onClick={() => setAsking(true)}>
            Forget what was learned
          </Button>
        ) : null
      }
    >
      {data !== null ? (
        <>
          {data.file.problem === null ? null : <Notice tone="bad">{data.file.problem}</Notice>}
          <Facts
            of={[
              { name: 'Version', value: <code>{data.version}</code> },
              {
                name: 'File',
                value: <code>{data.file.path}</code>,
                note: 'Changes to it take effect at once.',
              },
              ...Object.entries(data.settings).map(([name, value]) => ({
                name: wordsOf(name),
                value: typeof value === 'object' ? <code>{JSON.stringify(value)}</code> : String(value),
              })),
            ]}
          />
          {data.classes.length === 0 ? (
            <EmptyState title="Nothing learned yet" level={3}>
              With each task of its kind, the policy knows better whom to ask.
            </EmptyState>
          ) : (
            <p className="quiet">
              Learned from tasks of {data.classes.length} {data.classes.length === 1 ? 'kind' : 'kinds'},
              which <code>shoal route</code> shows.
            </p>
          )}
        </>
      ) : error === null ? (
        <Skeleton />
      ) : (
        <ErrorState error={error} retry={reload} />
      )}
      <Dialog
        title="Forget what was learned?"
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        actions={
          <>
            <Button kind="quiet" onClick={() => setAsking(false)}>
              Keep it
            </Button>
            <Button kind="danger" onClick={() => void forget()}>
              Forget it
            </Button>
          </>
        }
      >
        <p>
          Which provider does which kind of task well is learned anew from the next tasks on. This cannot be
          undone.
        </p>
      </Dialog>
    </Card>
  )
}

/** `explorationRate`: `Exploration rate`. */
function wordsOf(name: string): string {
  const words = name.replace(/([A-Z])/g, ' $1').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
