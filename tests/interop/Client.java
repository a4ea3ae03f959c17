// The Java client at work: writes what a log directory can hold, tells everything that can be read, follows, and takes
// part in groups. broker.py compiles and runs it; test_interop.py compares what it prints.
//
//   Client write BROKER                     topics of every kind; ends with a transaction still open
//   Client tell SERVER FILE [SERVER FILE]   all topics, record for record, and what is told of their offsets and times
//   Client live BROKER SERVER TOPIC COUNT   appends at BROKER while reading at SERVER
//   Client group SERVER GROUP TOPIC         a member that prints what it gets; a line on standard input ends it
//   Client create BROKER TOPIC              a topic of one partition
//   Client fill BROKER TOPIC MIB SIZE BATCH random values of SIZE bytes in batches of at most BATCH, no codec

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public final class Client {
  private static final Random RANDOM = new Random(20261121);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
  private static final long BEGIN = 1_700_000_000_000L;  // of the timestamps we set ourselves

  public static void main(String[] arguments) throws Exception {
    switch (arguments[0]) {
      case "write" -> new Writer(arguments[1]).writeAll();
      case "tell" -> {
        for (int i = 1; i + 1 < arguments.length; i += 2) tell(arguments[i], arguments[i + 1]);
      }
      case "live" -> live(arguments[1], arguments[2], arguments[3], Integer.parseInt(arguments[4]));
      case "group" -> member(arguments[1], arguments[2], arguments[3]);
      case "create" -> create(arguments[1], arguments[2]);
      case "fill" -> {
        int[] numbers = Arrays.stream(arguments).skip(3).mapToInt(Integer::parseInt).toArray();
        fill(arguments[1], arguments[2], numbers[0], numbers[1], numbers[2]);
      }
      default -> throw new IllegalArgumentException(arguments[0]);
    }
    System.out.flush();
    Runtime.getRuntime().halt(0);  // an open transaction would be ended by an orderly end
  }

  // --- writing ---------------------------------------------------------------------------------------------------

  private static final class Writer {
    private final String broker;
    private final Admin admin;

    Writer(String broker) {
      this.broker = broker;
      this.admin = Admin.create(Map.<String, Object>of("bootstrap.servers", broker));
    }

    void writeAll() throws Exception {
      topic("plain", 3, Map.of());
      try (KafkaProducer<byte[], byte[]> producer = producer("none", Map.of())) {
        for (int n = 0; n < 3000; ++n) send(producer, "plain", n % 3, BEGIN + n, "key-" + n % 70, text(20 + n % 300));
      }
      for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) {
        topic(codec, 2, Map.of());
        try (KafkaProducer<byte[], byte[]> producer = producer(codec, Map.of())) {
          for (int n = 0; n < 2000; ++n) send(producer, codec, n % 2, BEGIN + n * 10L, "key-" + n, text(50 + n % 500));
        }
      }
      mixed();
      times();
      transactions();
      compacted();
      trimmed();
      aged();
      large();
      topic("empty", 2, Map.of());
      topic("stamped", 1, Map.of("message.timestamp.type", "LogAppendTime"));
      try (KafkaProducer<byte[], byte[]> producer = producer("lz4", Map.of())) {
        for (int n = 0; n < 300; ++n) send(producer, "stamped", 0, BEGIN + n, null, text(200));
      }
    }

    // Every codec in one partition; keys and values that are null or empty; headers.
    private void mixed() throws Exception {
      topic("mixed", 1, Map.of());
      for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd", "none")) {
        try (KafkaProducer<byte[], byte[]> producer = producer(codec, Map.of())) {
          for (int n = 0; n < 200; ++n) {
            byte[] key = n % 5 == 0 ? null : n % 5 == 1 ? new byte[0] : bytes(n % 40);
            byte[] value = n % 7 == 0 ? null : n % 7 == 1 ? new byte[0] : bytes(n * 3);
            RecordHeaders headers = new RecordHeaders();
            for (int i = 0; i < n % 4; ++i) headers.add("h" + i % 2, i == 2 ? null : bytes(i * 5));
            producer.send(new ProducerRecord<>("mixed", 0, BEGIN + n, key, value, headers));
          }
        }
      }
    }

    // Timestamps that go up and down, in batches with a codec and without.
    private void times() throws Exception {
      topic("times", 1, Map.of());
      for (String codec : List.of("none", "zstd")) {
        try (KafkaProducer<byte[], byte[]> producer = producer(codec, Map.of())) {
          for (int n = 0; n < 1500; ++n) send(producer, "times", 0, BEGIN + n * 100L + (n % 11) * 777L - (n % 3) * 5000L, null, text(100));
        }
      }
    }

    // Committed and aborted ones of several producers, in between each other and others' records; one stays open.
    private void transactions() throws Exception {
      topic("tx", 2, Map.of());
      List<KafkaProducer<byte[], byte[]>> producers = new ArrayList<>();
      for (int i = 0; i < 3; ++i) {
        producers.add(producer(i == 1 ? "lz4" : "none", Map.of("transactional.id", "writer-" + i, "transaction.timeout.ms", 900_000)));
        producers.get(i).initTransactions();
      }
      try (KafkaProducer<byte[], byte[]> other = producer("none", Map.of())) {
        for (int round = 0; round < 12; ++round) {
          producers.get(0).beginTransaction();
          producers.get(1).beginTransaction();
          for (int n = 0; n < 30; ++n) {
            send(producers.get(0), "tx", n % 2, BEGIN + n, "zero-" + round, text(100));
            send(producers.get(1), "tx", n % 2, BEGIN + n, "one-" + round, text(100));
            if (n % 10 == 0) {
              producers.get(0).flush();
              send(other, "tx", n / 10 % 2, BEGIN + n, "other-" + round, text(60));
            }
          }
          end(producers.get(0), round % 3 != 0);
          end(producers.get(1), round % 2 == 0);
        }
        producers.get(2).beginTransaction();
        for (int n = 0; n < 20; ++n) send(producers.get(2), "tx", 1, BEGIN + n, "open", text(80));
        producers.get(2).flush();
        for (int n = 0; n < 50; ++n) send(other, "tx", n % 2, BEGIN + n, "behind", text(80));
      }
    }

    private static void end(KafkaProducer<byte[], byte[]> producer, boolean commit) {
      if (commit) producer.commitTransaction();
      else producer.abortTransaction();
    }

    // Few keys many times, and tombstones; the broker's cleaner leaves gaps.
    private void compacted() throws Exception {
      topic("compacted", 1, Map.of("cleanup.policy", "compact", "min.cleanable.dirty.ratio", "0.01", "delete.retention.ms", "100"));
      for (String codec : List.of("none", "lz4")) {
        try (KafkaProducer<byte[], byte[]> producer = producer(codec, Map.of())) {
          for (int n = 0; n < 2500; ++n) {
            byte[] value = n % 17 == 0 ? null : text(60);
            send(producer, "compacted", 0, BEGIN + n, "key-" + RANDOM.nextInt(n % 100 == 0 ? 100_000 : 60), value);
          }
        }
      }
    }

    // A head that was deleted in the middle of a segment, and of a batch.
    private void trimmed() throws Exception {
      topic("trimmed", 1, Map.of());
      try (KafkaProducer<byte[], byte[]> producer = producer("snappy", Map.of())) {
        for (int n = 0; n < 2000; ++n) send(producer, "trimmed", 0, BEGIN + n, null, bytes(100));
      }
      admin.deleteRecords(Map.of(new TopicPartition("trimmed", 0), RecordsToDelete.beforeOffset(777))).all().get();
    }

    // Retention took the first segments.
    private void aged() throws Exception {
      topic("aged", 1, Map.of("retention.bytes", "60000"));
      try (KafkaProducer<byte[], byte[]> producer = producer("none", Map.of())) {
        for (int n = 0; n < 1500; ++n) send(producer, "aged", 0, BEGIN + n, null, bytes(100));
      }
    }

    private void large() throws Exception {
      topic("large", 1, Map.of("segment.bytes", String.valueOf(8 << 20), "max.message.bytes", String.valueOf(8 << 20)));
      for (String codec : List.of("none", "zstd")) {
        try (KafkaProducer<byte[], byte[]> producer = producer(codec, Map.of("max.request.size", 8 << 20))) {
          for (int size : new int[] {10, 1_500_000, 100, 3_000_000, 1_048_576, 10}) send(producer, "large", 0, BEGIN, "k", bytes(size));
        }
      }
    }

    private void topic(String name, int partitions, Map<String, String> settings) throws Exception {
      admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(settings))).all().get();
    }

    private KafkaProducer<byte[], byte[]> producer(String codec, Map<String, Object> more) {
      return Client.producer(broker, codec, more);
    }
  }

  private static KafkaProducer<byte[], byte[]> producer(String broker, String codec, Map<String, Object> more) {
    Map<String, Object> settings = new HashMap<>(Map.of(
        "bootstrap.servers", broker, "compression.type", codec, "batch.size", 6000, "linger.ms", 5, "acks", "all"));
    settings.putAll(more);
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private static void send(KafkaProducer<byte[], byte[]> producer, String topic, int partition, long time, String key, byte[] value) {
    byte[] keyBytes = key == null ? null : key.getBytes(StandardCharsets.UTF_8);
    producer.send(new ProducerRecord<>(topic, partition, time, keyBytes, value), (written, error) -> {
      if (error != null) throw new IllegalStateException(error);
    });
  }

  private static byte[] bytes(int size) {
    byte[] made = new byte[size];
    RANDOM.nextBytes(made);
    return made;
  }

  // Compresses, as text does.
  private static byte[] text(int size) {
    byte[] made = new byte[size];
    for (int i = 0; i < size; ++i) made[i] = (byte) ('a' + RANDOM.nextInt(4));
    return made;
  }

  private static void create(String broker, String topic) throws Exception {
    try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", broker))) {
      admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
    }
  }

  private static void fill(String broker, String topic, int mebibytes, int size, int batch) throws Exception {
    try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", broker))) {
      Map<String, String> settings = Map.of("segment.bytes", String.valueOf(32 << 20));
      admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(settings))).all().get();
    }
    try (KafkaProducer<byte[], byte[]> producer = producer(broker, "none", Map.of("batch.size", batch, "linger.ms", 50))) {
      for (long sent = 0; sent < (long) mebibytes << 20; sent += size) send(producer, topic, 0, BEGIN + sent, null, bytes(size));
    }
  }

  // --- reading ---------------------------------------------------------------------------------------------------

  private static KafkaConsumer<byte[], byte[]> consumer(String server, Map<String, Object> more) {
    Properties settings = new Properties();
    settings.putAll(Map.of("bootstrap.servers", server, "auto.offset.reset", "none", "enable.auto.commit", false, "check.crcs", true));
    settings.putAll(more);
    return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static void tell(String server, String file) throws IOException {
    try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(Path.of(file)))) {
      tellAll(server, out, "read_uncommitted", Map.of());
      // So little at a time that hardly two batches fit.
      tellAll(server, out, "read_committed", Map.of("max.partition.fetch.bytes", 8000, "fetch.max.bytes", 60000));
    }
  }

  private static void tellAll(String server, PrintWriter out, String isolation, Map<String, Object> more) {
    Map<String, Object> settings = new HashMap<>(more);
    settings.put("isolation.level", isolation);
    settings.put("fetch.max.wait.ms", 10);  // seeks have to wait for what is under way
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(server, settings)) {
      List<TopicPartition> partitions = new ArrayList<>();
      new TreeMap<>(consumer.listTopics()).forEach((topic, infos) -> {
        if (!topic.startsWith("__")) infos.forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
      });
      partitions.sort((a, b) -> a.topic().equals(b.topic()) ? a.partition() - b.partition() : a.topic().compareTo(b.topic()));
      Map<TopicPartition, Long> first = consumer.beginningOffsets(partitions);
      Map<TopicPartition, Long> end = consumer.endOffsets(partitions);
      consumer.assign(partitions);
      partitions.forEach(partition -> consumer.seek(partition, first.get(partition)));
      Map<TopicPartition, List<String>> lines = new HashMap<>();
      Map<TopicPartition, TreeSet<Long>> times = new HashMap<>();
      long until = System.nanoTime() + LONGEST_WAIT.toNanos();
      while (partitions.stream().anyMatch(partition -> consumer.position(partition) < end.get(partition))) {
        if (System.nanoTime() > until) throw new IllegalStateException(server + ": not all could be read: " + remaining(consumer, partitions, end));
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
          TopicPartition from = new TopicPartition(record.topic(), record.partition());
          lines.computeIfAbsent(from, unused -> new ArrayList<>()).add(told(record));
          times.computeIfAbsent(from, unused -> new TreeSet<>()).add(record.timestamp());
        }
      }
      for (TopicPartition partition : partitions) {
        out.println(isolation + " " + partition + " from " + first.get(partition) + " to " + end.get(partition));
        lines.getOrDefault(partition, List.of()).forEach(out::println);
        for (long time : asked(times.getOrDefault(partition, new TreeSet<>()))) {
          OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, time)).get(partition);
          out.println("time " + time + ": " + (found == null ? "none" : found.offset() + " at " + found.timestamp()));
        }
      }
      // From the middle: what comes first?
      for (TopicPartition partition : partitions) {
        long from = first.get(partition), to = end.get(partition);
        if (from == to) continue;
        consumer.assign(List.of(partition));
        for (long offset : new long[] {from + 1, from + (to - from) / 3, from + (to - from) * 2 / 3, to - 1}) {
          if (offset < from || offset >= to) continue;
          consumer.seek(partition, offset);
          out.println("seek " + partition + " " + offset + ": " + next(consumer, partition, to));
        }
      }
    }
  }

  private static String remaining(KafkaConsumer<byte[], byte[]> consumer, List<TopicPartition> partitions, Map<TopicPartition, Long> end) {
    StringBuilder text = new StringBuilder();
    for (TopicPartition partition : partitions) {
      if (consumer.position(partition) < end.get(partition)) text.append(partition + " " + consumer.position(partition) + " of " + end.get(partition) + "; ");
    }
    return text.toString();
  }

  private static String next(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long end) {
    long until = System.nanoTime() + LONGEST_WAIT.toNanos();
    while (consumer.position(partition) < end) {
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) return told(record);
      if (System.nanoTime() > until) throw new IllegalStateException(partition + ": nothing comes");
    }
    return "nothing";
  }

  // Times at, before and between those there are, and outside of them.
  private static List<Long> asked(TreeSet<Long> times) {
    List<Long> asked = new ArrayList<>(List.of(0L));
    Long[] known = times.toArray(new Long[0]);
    for (int i = 0; i < known.length; i += Math.max(1, known.length / 8)) asked.addAll(List.of(known[i] - 1, known[i], known[i] + 1));
    if (known.length > 0) asked.addAll(List.of(times.last(), times.last() + 1));
    return asked;
  }

  private static String told(ConsumerRecord<byte[], byte[]> record) {
    StringBuilder text = new StringBuilder();
    text.append(record.offset()).append(' ').append(record.timestampType()).append(' ').append(record.timestamp());
    text.append(' ').append(told(record.key())).append(' ').append(told(record.value()));
    for (Header header : record.headers()) text.append(' ').append(header.key()).append('=').append(told(header.value()));
    return text.toString();
  }

  private static String told(byte[] bytes) {
    if (bytes == null) return "null";
    if (bytes.length <= 32) return bytes.length + ":" + HexFormat.of().formatHex(bytes);
    try {
      byte[] digest = MessageDigest.getInstance("SHA-1").digest(bytes);
      return bytes.length + ":" + HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  // --- following -------------------------------------------------------------------------------------------------

  // Appends records one by one and in bursts, in a topic that is made only now, and reads each where it is served.
  private static void live(String broker, String server, String topic, int count) throws Exception {
    try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", broker))) {
      admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
    }
    TopicPartition partition = new TopicPartition(topic, 0);
    List<Long> waits = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer = producer(broker, "none", Map.of("linger.ms", 0));
         KafkaConsumer<byte[], byte[]> consumer = consumer(server, Map.of("auto.offset.reset", "earliest"))) {
      consumer.assign(List.of(partition));
      int read = 0;
      for (int written = 0; written < count;) {
        int burst = Math.min(count - written, 1 + RANDOM.nextInt(40));
        List<byte[]> values = new ArrayList<>();
        for (int n = 0; n < burst; ++n) {
          values.add(bytes(RANDOM.nextInt(2000)));
          producer.send(new ProducerRecord<>(topic, 0, null, values.get(n)));
        }
        producer.flush();
        long flushed = System.nanoTime();
        written += burst;
        int seen = 0;
        while (read < written) {
          if (System.nanoTime() - flushed > LONGEST_WAIT.toNanos()) throw new IllegalStateException("record " + read + " never came");
          ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofSeconds(5));
          for (ConsumerRecord<byte[], byte[]> record : records) {
            if (record.offset() != read || !Arrays.equals(record.value(), values.get(seen))) {
              throw new IllegalStateException("record " + read + " is another: " + told(record));
            }
            ++read;
            ++seen;
          }
        }
        waits.add(System.nanoTime() - flushed);
      }
    }
    Collections.sort(waits);
    long median = TimeUnit.NANOSECONDS.toMicros(waits.get(waits.size() / 2));
    System.out.println(count + " records in " + waits.size() + " appends; read " + median + " us after the append (median)");
  }

  private static void member(String server, String group, String topic) throws IOException {
    Map<String, Object> settings = Map.of(
        "group.id", group, "auto.offset.reset", "earliest", "session.timeout.ms", 6000, "heartbeat.interval.ms", 300,
        "max.poll.records", 50, "client.id", "java");
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(server, settings)) {
      consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
        @Override public void onPartitionsRevoked(Collection<TopicPartition> partitions) { say("revoked " + numbers(partitions)); }
        @Override public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
          say("assigned " + numbers(consumer.assignment()));
        }
      });
      while (System.in.available() == 0) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          say("record " + record.partition() + " " + record.offset() + " " + told(record.value()));
        }
        consumer.commitSync();
      }
      say("leaving");
    }
    say("left");
  }

  private static String numbers(Collection<TopicPartition> partitions) {
    TreeSet<Integer> numbers = new TreeSet<>();
    partitions.forEach(partition -> numbers.add(partition.partition()));
    return numbers.toString();
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private Client() {}
}
