import { Fake } from './server';

/** `npm run fake`: the stand-in on a port of its own, for `npm run dev:fake` and for looking around. */
const port = Number(process.env.PORT ?? 4100);
const fake = new Fake();
console.log(`A stand-in for the server is at ${await fake.start(port)}`);
