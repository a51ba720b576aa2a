// A session of ioredis with a cluster: node ioredis_session.js <host:port> [password].
// Prints "ok" at its end; client_libs_test.py runs it.
const assert = require('assert');
const Redis = require('ioredis');

const [address, password] = process.argv.slice(2);
const [host, port] = address.split(':');

async function session() {
  const cluster = new Redis.Cluster([{host, port: Number(port)}], {
    redisOptions: {password: password || undefined},
  });
  cluster.on('error', (error) => { throw error; });

  for (let i = 0; i < 300; ++i) assert.strictEqual(await cluster.set(`io:${i}`, `value ${i}`), 'OK');
  for (let i = 0; i < 300; ++i) assert.strictEqual(await cluster.get(`io:${i}`), `value ${i}`);
  assert.strictEqual(await cluster.get('io:nosuch'), null);

  const answers = await cluster.pipeline().set('{io}a', 1).incr('{io}a').get('{io}a').exec();
  assert.deepStrictEqual(answers, [[null, 'OK'], [null, 2], [null, '2']]);
  const done = await cluster.multi().set('{io}b', 5).incrby('{io}b', 10).exec();
  assert.deepStrictEqual(done, [[null, 'OK'], [null, 15]]);
  assert.deepStrictEqual(await cluster.mget('{io}a', '{io}b', '{io}c'), ['2', '15', null]);
  await assert.rejects(cluster.mget('io:1', 'io:2'), /CROSSSLOT/);

  const binary = Buffer.from([0, 13, 10, 255]);
  await cluster.set('io:binary', binary, 'EX', 1000);
  assert.deepStrictEqual(await cluster.getBuffer('io:binary'), binary);
  assert.ok(await cluster.ttl('io:binary') > 900);

  assert.strictEqual(cluster.nodes('master').length, 3);
  assert.strictEqual(cluster.nodes('all').length >= 3, true);
  const sizes = await Promise.all(cluster.nodes('master').map((node) => node.dbsize()));
  assert.ok(sizes.every((size) => size > 0));
  await cluster.quit();
}

session().then(() => console.log('ok'), (error) => { console.error(error); process.exit(1); });
