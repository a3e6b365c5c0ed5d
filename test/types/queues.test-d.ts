// What the compiler says of work queues: jobs have the type of the queue's message.

import { message, object, u32, utf8 } from 'flyshuttle'
import type { Consumer, Delivery, Engine, QueueInfo, WorkQueue } from 'flyshuttle'
import { expectTypeOf, test } from 'vitest'

const Job = message('thumbnails', { id: u32, user: utf8(16) })
const Loose = message('mails', object<{ to: string; lines?: string[] }>())
interface JobValue {
  id: number
  user: string
}

declare const engine: Engine

test('a queue of a message has jobs of its type, one of a name what the caller says', async () => {
  const jobs = await engine.queue(Job)
  expectTypeOf(jobs).toEqualTypeOf<WorkQueue<JobValue>>()
  expectTypeOf(await engine.queue(Loose)).toEqualTypeOf<
    WorkQueue<{ to: string; lines?: string[] }>
  >()
  expectTypeOf(await engine.queue<number>('numbers')).toEqualTypeOf<WorkQueue<number>>()
  expectTypeOf(await engine.queue('any')).toEqualTypeOf<WorkQueue<unknown>>()
  expectTypeOf(jobs.inspect()).toEqualTypeOf<QueueInfo>()
})

test('adding says what came of it', async () => {
  const jobs = await engine.queue(Job, { maxDeliver: 5, backoffMs: [10, 100], ordered: 'key' })
  const job = { id: 1, user: 'x' }
  const options = {
    key: 'x',
    priority: 'high',
    delayMs: 250,
    id: 'uuid',
    headers: { a: 'b' },
  } as const
  expectTypeOf(await jobs.add(job, options)).toEqualTypeOf<'accepted' | 'duplicate'>()
  expectTypeOf(jobs.tryAdd(job)).toEqualTypeOf<'accepted' | 'duplicate' | 'full'>()
  expectTypeOf(await jobs.addMany([job])).toEqualTypeOf<number>()
  // @ts-expect-error no such field
  void jobs.add({ id: 1, name: 'x' })
  // @ts-expect-error no such priority
  void jobs.add(job, { priority: 'urgent' })
  // @ts-expect-error no such option
  void jobs.add(job, { delay: 5 })
  // @ts-expect-error no such order
  void engine.queue(Job, { ordered: 'id' })
})

test('a handler gets the job and its delivery', async () => {
  const jobs = await engine.queue(Job)
  const consumer = jobs.consume(
    (job, delivery) => {
      expectTypeOf(job).toEqualTypeOf<JobValue>()
      expectTypeOf(delivery).toEqualTypeOf<Delivery>()
      delivery.inProgress()
      delivery.nak({ delayMs: 5 })
      // @ts-expect-error no such option
      delivery.nak({ delay: 5 })
    },
    { concurrency: 4 },
  )
  expectTypeOf(consumer).toEqualTypeOf<Consumer>()
  // @ts-expect-error a handler of other jobs
  jobs.consume((job: { name: string }) => job.name)
})
