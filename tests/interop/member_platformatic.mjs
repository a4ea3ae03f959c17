// @platformatic/kafka as a member of a group, as tests/e2e/kafka_members.py wants it:
// MODULES=... node member_platformatic.mjs ADDRESS GROUP TOPIC
import crypto from "node:crypto";

const { Consumer } = await import(`${process.env.MODULES}/@platformatic/kafka/dist/index.js`);

const [address, groupId, topic] = process.argv.slice(2);
const consumer = new Consumer({
  clientId: "platformatic", groupId, bootstrapBrokers: [address],
  sessionTimeout: 6000, heartbeatInterval: 300, rebalanceTimeout: 6000, maxWaitTime: 200, metadataMaxAge: 1000,
});

function told(value) {
  return `${value.length}:` + (value.length <= 32 ? value.toString("hex") : crypto.createHash("sha1").update(value).digest("hex"));
}

consumer.on("consumer:group:join", ({ assignments }) => {
  console.log("assigned", JSON.stringify((assignments ?? []).filter((a) => a.topic === topic).flatMap((a) => a.partitions).sort()));
});
const stream = await consumer.consume({ topics: [topic], mode: "committed", fallbackMode: "earliest", autocommit: 100 });
process.stdin.once("data", async () => {
  await stream.close();
  await consumer.close(true);
  process.exit(0);
});
for await (const message of stream) {
  console.log("record", message.partition, String(message.offset), told(message.value ?? Buffer.alloc(0)));
}
