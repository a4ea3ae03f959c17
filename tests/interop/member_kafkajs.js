// KafkaJS as a member of a group, as tests/e2e/kafka_members.py wants it: MODULES=... node member_kafkajs.js ADDRESS GROUP TOPIC
const crypto = require("node:crypto");
const { Kafka, logLevel } = require(`${process.env.MODULES}/kafkajs`);

const [address, group, topic] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "kafkajs", brokers: [address], logLevel: logLevel.ERROR, retry: { initialRetryTime: 50, retries: 20 } });
const consumer = kafka.consumer({ groupId: group, sessionTimeout: 6000, heartbeatInterval: 300, maxWaitTimeInMs: 200, metadataMaxAge: 1000 });

function told(value) {
  return `${value.length}:` + (value.length <= 32 ? value.toString("hex") : crypto.createHash("sha1").update(value).digest("hex"));
}

async function main() {
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    console.log("assigned", JSON.stringify((payload.memberAssignment[topic] ?? []).sort()));
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) => console.log("record", partition, message.offset, told(message.value)),
  });
  process.stdin.once("data", async () => {
    await consumer.disconnect();
    process.exit(0);
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
