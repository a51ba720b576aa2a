// Writes io:<prefix>:0, :1, ... into a cluster until its input ends: node ioredis_writer.js <host:port> <prefix>.
// Prints how many are acknowledged, ten times a second, and at its end as JSON which failed, with the
// errors that were seen. client_failover_test.py runs it.
const Redis = require('ioredis');

const [address, prefix] = process.argv.slice(2);
const [host, port] = address.split(':');
const cluster = new Redis.Cluster([{host, port: Number(port)}]);
cluster.on('error', () => {});  // it tries again by itself

let next = 0;
let acknowledged = 0;
let stopped = false;
const failed = [];
const errors = {};

async function write() {
  while (!stopped) {
    const number = next++;
    try {
      await cluster.set(`io:${prefix}:${number}`, number);
      ++acknowledged;
    } catch (error) {
      failed.push(number);
      const kind = error.message.slice(0, 60);
      errors[kind] = (errors[kind] || 0) + 1;
    }
  }
}

const progress = setInterval(() => console.log(acknowledged), 100);
process.stdin.on('end', () => { stopped = true; });
process.stdin.resume();
Promise.all([write(), write(), write(), write()]).then(() => {
  clearInterval(progress);
  console.log(JSON.stringify({written: next, failed, errors}));
  cluster.disconnect();
});
