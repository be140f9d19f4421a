package io.asyncpg.client.session;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.CopySource;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.Row;
import io.asyncpg.client.Rows;
import io.asyncpg.error.PgException;
import io.asyncpg.protocol.ScramKeyCache;
import io.asyncpg.testkit.Backend;
import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Typical conversations with a real server, recorded, and then heard again over {@link
 * SocketlessSession}: in single bytes, in random slices, broken off after every byte, and with
 * every byte changed. Nothing here waits for a time: when the last byte or the end has been heard,
 * every answer must be there.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RecordedSessionTest {
  private static final TestServer SERVER = TestServer.shared();
  private static final ScramKeyCache KEYS = new ScramKeyCache(10);

  /** What is asked on a connection; its answers are printed as they come. */
  private interface Talk {
    void on(PgConnection connection, Answers answers);
  }

  /** Only in the recording could these wait: all of it runs on the event loop. */
  enum Conversation {
    CONNECT((connection, answers) -> answers.add(connection.fetchValue(Integer.class, "SELECT 1"))),

    SCRIPT(
        (connection, answers) ->
            answers.add(connection.execute("SELECT 1; SELECT 2; SET TimeZone = 'Asia/Tokyo'"))),

    QUERY(
        (connection, answers) -> {
          String sql =
              "SELECT i, 'no ' || i AS t, NULL::int AS n, i % 2 = 0 AS even, i / 7.0 AS q"
                  + " FROM generate_series(1, 8) i WHERE i > $1";
          answers.rows(connection.fetch(sql, 3));
          answers.rows(connection.fetch(sql, 7));
        }),

    PIPELINE_WITH_AN_ERROR(
        (connection, answers) -> {
          String sql = "SELECT 30 / $1::int AS q";
          // Prepared first, so that the order of what is said depends on no slices.
          CompletableFuture<Rows> prepared = connection.fetch(sql, 1);
          answers.rows(prepared);
          for (int divisor : List.of(3, 0, 5)) {
            answers.rows(prepared.thenCompose(rows -> connection.fetch(sql, divisor)));
          }
          answers.add(
              prepared.thenCompose(
                  rows -> connection.execute("SELECT * FROM nowhere WHERE id = $1", 1)));
        }),

    BATCH(
        (connection, answers) -> {
          answers.add(connection.execute("CREATE TEMP TABLE b (id int PRIMARY KEY, t text)"));
          answers.add(
              connection
                  .executeMany(
                      "INSERT INTO b VALUES ($1, $2)",
                      List.of(new Object[] {1, "a"}, new Object[] {2, "b"}, new Object[] {3, "c"}))
                  .thenApply(counts -> counts.total()));
          answers.add(
              connection
                  .executeMany("INSERT INTO b VALUES ($1, 'x')", List.of(List.of(4), List.of(4)))
                  .thenApply(counts -> counts.total()));
          answers.rows(connection.fetch("SELECT id, t FROM b ORDER BY id"));
        }),

    TRANSACTION(
        (connection, answers) -> {
          answers.add(
              connection.transaction(
                  outer ->
                      outer
                          .fetchValue(Integer.class, "SELECT 1")
                          .thenCompose(
                              one ->
                                  outer
                                      .transaction(inner -> inner.execute("SELECT 1 / 0"))
                                      .handle((done, failure) -> failure == null))
                          .thenCompose(well -> outer.fetchValue(Integer.class, "SELECT 2"))));
          answers.add(connection.fetchValue(Integer.class, "SELECT 3"));
        }),

    CURSOR(
        (connection, answers) ->
            answers.add(
                connection.transaction(
                    transaction ->
                        transaction
                            .cursor("SELECT i FROM generate_series(1, 10) i")
                            .thenCompose(
                                cursor ->
                                    cursor
                                        .fetch(4)
                                        .thenCompose(
                                            first ->
                                                cursor
                                                    .fetch(20)
                                                    .thenApply(
                                                        rest ->
                                                            Answers.shown(first)
                                                                + Answers.shown(rest))))))),

    STREAM(
        (connection, answers) -> {
          answers.stream(
              connection.stream("SELECT i, repeat('x', i) AS t FROM generate_series(1, 9) i")
                  .fetchSize(4));
          answers.add(connection.fetchValue(Integer.class, "SELECT 8"));
        }),

    COPY_OUT(
        (connection, answers) -> {
          answers.copied(
              sink ->
                  connection.copyFromQuery(
                      "SELECT i, 'v' || i FROM generate_series(1, $1::int) i",
                      List.of(6),
                      sink,
                      CopyOptions.csv()));
          answers.stream(connection.copyRows("SELECT i FROM generate_series(1, 5) i"));
        }),

    COPY_IN(
        (connection, answers) -> {
          answers.add(connection.execute("CREATE TEMP TABLE c (id int, t text)"));
          Iterator<ByteBuffer> chunks =
              List.of(bytes("1\tone\n2\t"), bytes("two\n"), bytes("3\tthree\n")).iterator();
          answers.add(
              connection.copyToTable(
                  "c",
                  CopySource.from(
                      () ->
                          CompletableFuture.completedFuture(
                              chunks.hasNext() ? chunks.next() : null)),
                  CopyOptions.text()));
          answers.add(
              connection.copyRecordsToTable(
                  "c", List.of("id", "t"), List.of(List.of(4, "four"), List.of(5, "five"))));
          answers.add(
              connection.copyToTable(
                  "c",
                  CopySource.from(() -> CompletableFuture.completedFuture(null)),
                  CopyOptions.csv()));
          answers.rows(connection.fetch("SELECT id, t FROM c ORDER BY id"));
        }),

    NOTIFICATIONS(
        (connection, answers) -> {
          CompletableFuture<String> one = new CompletableFuture<>();
          CompletableFuture<String> two = new CompletableFuture<>();
          CompletableFuture<String> three = new CompletableFuture<>();
          connection.addNoticeListener(notice -> three.complete(notice.message()));
          answers.add(
              connection.addListener(
                  "recorded", said -> (one.isDone() ? two : one).complete(said.payload())));
          answers.add(
              connection.execute(
                  "NOTIFY recorded, 'one'; NOTIFY recorded, 'two';"
                      + " DO $$ BEGIN RAISE NOTICE 'three'; END $$"));
          for (CompletableFuture<String> heard : List.of(one, two, three)) {
            answers.add(heard);
            connection
                .closed()
                .thenRun(() -> heard.completeExceptionally(new CancellationException()));
          }
        }),

    TYPES_OF_RUN_TIME(
        (connection, answers) -> {
          answers.add(
              connection.execute(
                  "CREATE TYPE pg_temp.mood AS ENUM ('sad', 'glad');"
                      + " CREATE TYPE pg_temp.pair AS (n int, m pg_temp.mood)"));
          answers.rows(
              connection.fetch(
                  "SELECT 'sad'::pg_temp.mood AS m, ROW(1, 'glad')::pg_temp.pair AS p"));
        });

    @SuppressWarnings("ImmutableEnumChecker") // lambdas that hold nothing
    private final Talk talk;

    Conversation(Talk talk) {
      this.talk = talk;
    }

    /** Asks all of it, and gives the answers as they will come. */
    List<CompletableFuture<String>> on(PgConnection connection) {
      Answers answers = new Answers();
      talk.on(connection, answers);
      return answers.all;
    }

    private static ByteBuffer bytes(String text) {
      return ByteBuffer.wrap(text.getBytes(UTF_8));
    }
  }

  /** What the server said, and how much the client must have said before it. */
  private record Turn(int afterClientBytes, byte[] bytes) {}

  /** What came of each thing asked, in the order of asking. */
  private static final class Answers {
    private final List<CompletableFuture<String>> all = new ArrayList<>();

    void add(CompletionStage<?> answer) {
      all.add(answer.<String>thenApply(String::valueOf).toCompletableFuture());
    }

    void rows(CompletionStage<Rows> rows) {
      add(rows.thenApply(Answers::shown));
    }

    static String shown(List<Row> rows) {
      List<String> lines = new ArrayList<>();
      rows.forEach(row -> lines.add(row.toMap().toString()));
      return lines.toString();
    }

    void stream(Flow.Publisher<Row> stream) {
      CompletableFuture<String> end = new CompletableFuture<>();
      List<Row> rows = new ArrayList<>();
      stream.subscribe(
          new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
              subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(Row row) {
              rows.add(row);
            }

            @Override
            public void onError(Throwable failure) {
              end.completeExceptionally(failure);
            }

            @Override
            public void onComplete() {
              try {
                end.complete(shown(rows));
              } catch (RuntimeException undecodable) {
                end.completeExceptionally(undecodable);
              }
            }
          });
      all.add(end);
    }

    void copied(Function<CopySink, CompletionStage<?>> copy) {
      StringBuilder out = new StringBuilder();
      add(
          copy.apply(
                  CopySink.to(
                      chunk -> {
                        out.append(UTF_8.decode(chunk.duplicate()));
                        return CompletableFuture.completedFuture(null);
                      }))
              .thenApply(tag -> out.toString() + tag));
    }

    boolean areThere() {
      return all.stream().allMatch(CompletableFuture::isDone);
    }

    /** Each answer, or its failure behind an exclamation mark. */
    List<String> shown() {
      return all.stream()
          .map(
              answer ->
                  answer.isDone()
                      ? answer
                          .handle((value, failure) -> failure == null ? value : told(failure))
                          .join()
                      : "still waiting")
          .toList();
    }

    private static String told(Throwable failure) {
      Throwable cause = failure;
      while (cause instanceof CompletionException && cause.getCause() != null) {
        cause = cause.getCause();
      }
      boolean foreseen =
          cause instanceof PgException
              || cause instanceof IllegalStateException
              || cause instanceof IllegalArgumentException
              || cause instanceof CancellationException;
      if (!foreseen) {
        throw new AssertionError("a failure of a kind not foreseen", cause);
      }
      return "! " + cause.getClass().getSimpleName();
    }
  }

  private final Map<Conversation, Recording> recordings =
      new java.util.EnumMap<>(Conversation.class);
  private PgConfig withPassword;
  private PgConfig withoutPassword;

  /** A conversation as it was with the real server. */
  private record Recording(List<Turn> turns, int greeting, List<String> answers) {
    int length() {
      return turns.stream().mapToInt(turn -> turn.bytes.length).sum();
    }

    byte[] bytes() {
      ByteBuffer all = ByteBuffer.allocate(length());
      turns.forEach(turn -> all.put(turn.bytes));
      return all.array();
    }
  }

  @BeforeAll
  void record() throws IOException {
    withPassword = config(SERVER.dsnAs(TestServer.SCRAM_USER));
    withoutPassword = config(SERVER.dsn());
    for (Conversation conversation : Conversation.values()) {
      recordings.put(conversation, record(conversation));
    }
  }

  private static PgConfig config(String dsn) {
    return PgConfig.builder().environment(Map.of()).dsn(dsn + "?sslmode=disable").build();
  }

  /** Every byte of SCRAM is tried with one conversation; the others need not hash. */
  private SocketlessSession session(Conversation conversation) {
    boolean scram = conversation == Conversation.CONNECT;
    return new SocketlessSession(scram ? withPassword : withoutPassword, KEYS);
  }

  @AfterAll
  void forget() {
    recordings.clear();
  }

  private Recording record(Conversation conversation) throws IOException {
    List<Turn> turns = new ArrayList<>();
    Answers answers = new Answers();
    int clientBytes = 0;
    int heard = 0;
    int greeting = -1;
    try (Socket socket = new Socket(SERVER.host(), SERVER.port());
        SocketlessSession session = session(conversation)) {
      socket.setSoTimeout(20);
      byte[] buffer = new byte[64 * 1024];
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (greeting < 0 || !answers.areThere()) {
        assertThat(System.nanoTime()).as("recording %s", conversation).isLessThan(deadline);
        session.run();
        if (greeting < 0 && session.connected().isDone()) {
          greeting = heard;
          conversation.talk.on(session.connected().join(), answers);
          session.run();
        }
        byte[] said = session.said();
        clientBytes += said.length;
        socket.getOutputStream().write(said);
        int count;
        try {
          count = socket.getInputStream().read(buffer);
        } catch (SocketTimeoutException nothing) {
          continue;
        }
        assertThat(count).isPositive();
        byte[] bytes = Arrays.copyOf(buffer, count);
        heard += count;
        turns.add(new Turn(clientBytes, bytes));
        prepareKeys(bytes);
        session.hear(bytes, 0, count);
      }
    }
    return new Recording(List.copyOf(turns), greeting, answers.shown());
  }

  /** Hashed here, so that no other thread has to. */
  private static void prepareKeys(byte[] server) {
    String text = new String(server, ISO_8859_1);
    int salt = text.indexOf(",s=");
    int iterations = text.indexOf(",i=");
    if (salt > 0 && iterations > salt) {
      KEYS.keys(
          TestServer.USERS_PASSWORD,
          Base64.getDecoder().decode(text.substring(salt + 3, iterations)),
          Integer.parseInt(text.substring(iterations + 3).replaceAll("\\D.*", "")));
    }
  }

  /** What is done to the bytes of the server before they are heard. */
  private interface Fault {
    /** The turn as it is heard; {@code from} is where it begins in all of the recording. */
    byte[] of(byte[] turn, int from);
  }

  private interface Slices {
    int next();
  }

  /** Hears a recording again, up to its end or so many bytes, and then the end of the socket. */
  private List<String> replay(Conversation conversation, int bytes, Slices slices, Fault fault) {
    Recording recording = recordings.get(conversation);
    Answers answers = new Answers();
    try (SocketlessSession session = session(conversation)) {
      ScramServer scram = new ScramServer();
      int clientBytes = 0;
      int heard = 0;
      boolean talking = false;
      for (Turn turn : recording.turns) {
        byte[] said = session.said();
        clientBytes += said.length;
        scram.hears(said);
        if (clientBytes < turn.afterClientBytes) {
          break; // it has given up, or waits for what will not come
        }
        byte[] now = fault.of(scram.says(turn.bytes), heard);
        int end = Math.min(now.length, bytes - heard);
        for (int at = 0; at < end; ) {
          int to = Math.min(end, at + slices.next());
          session.hear(now, at, to);
          at = to;
          if (!talking && session.connected().isDone()) {
            talking = true;
            if (!session.connected().isCompletedExceptionally()) {
              conversation.talk.on(session.connected().join(), answers);
              session.run();
            }
          }
        }
        heard += turn.bytes.length;
        if (heard >= bytes) {
          break;
        }
      }
      List<String> open = answers.shown();
      session.hearTheEnd();
      assertThat(session.outcomes()).isEqualTo(1);
      assertThat(session.isOpen()).isFalse();
      List<String> all = answers.shown();
      assertThat(all).doesNotContain("still waiting");
      if (bytes == Integer.MAX_VALUE) {
        return open;
      }
      return all;
    }
  }

  private static final int ALL = Integer.MAX_VALUE;
  private static final Fault NONE = (turn, from) -> turn;
  private static final Slices WHOLE = () -> ALL;

  @ParameterizedTest
  @EnumSource
  void inWholeInSingleBytesAndInRandomSlicesItIsTheSame(Conversation conversation) {
    List<String> expected = recordings.get(conversation).answers;
    assertThat(expected).isNotEmpty();
    assertThat(replay(conversation, ALL, WHOLE, NONE)).isEqualTo(expected);
    assertThat(replay(conversation, ALL, () -> 1, NONE)).isEqualTo(expected);
    Random random = new Random(20261122);
    for (int i = 0; i < 50; i++) {
      assertThat(replay(conversation, ALL, () -> 1 + random.nextInt(60), NONE)).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource
  void withWhatMayComeAtAnyTimeBetweenAnyTwoMessagesItIsTheSame(Conversation conversation) {
    boolean listens = conversation == Conversation.NOTIFICATIONS;
    byte[] notice = listens ? new byte[0] : Backend.notice("00000", "psst");
    byte[] more =
        Backend.concat(
            Backend.parameterStatus("TimeZone", "Mars"),
            Backend.notification(9, "a channel of others", "psst"),
            notice);
    // Before AuthenticationOk a notice is all that may come.
    int letIn =
        new String(recordings.get(conversation).bytes(), ISO_8859_1)
            .indexOf(new String(Backend.authenticationOk(), ISO_8859_1));
    assertThat(letIn).isNotNegative();
    Fault between =
        (turn, from) -> {
          ByteArrayOutputStream all = new ByteArrayOutputStream();
          ByteBuffer in = ByteBuffer.wrap(turn);
          while (in.hasRemaining()) {
            int length = 1 + in.getInt(in.position() + 1);
            all.writeBytes(from + in.position() > letIn ? more : notice);
            all.write(turn, in.position(), length);
            in.position(in.position() + length);
          }
          return all.toByteArray();
        };
    assertThat(replay(conversation, ALL, WHOLE, between))
        .isEqualTo(recordings.get(conversation).answers);
    assertThat(replay(conversation, ALL, () -> 7, between))
        .isEqualTo(recordings.get(conversation).answers);
  }

  @ParameterizedTest
  @EnumSource
  void brokenOffAfterAnyByteEachAnswerIsTheSameOrAFailure(Conversation conversation) {
    Recording recording = recordings.get(conversation);
    int from = conversation == Conversation.CONNECT ? 0 : recording.greeting;
    for (int length = from; length < recording.length(); length++) {
      List<String> answers = replay(conversation, length, WHOLE, NONE);
      sameOrFailed(recording.answers, answers, conversation + " broken off after " + length);
    }
  }

  /** In the bytes by which a message is read, no change goes unnoticed; others are just data. */
  @ParameterizedTest
  @EnumSource
  void withAnyByteChangedNothingHangsAndNoRowIsTakenForAnother(Conversation conversation) {
    Recording recording = recordings.get(conversation);
    boolean[] framing = framing(recording.bytes());
    Random random = new Random(conversation.name().hashCode());
    int from = conversation == Conversation.CONNECT ? 0 : recording.greeting;
    for (int place = from; place < framing.length; place++) {
      int changed = place;
      byte change = (byte) (1 + random.nextInt(255));
      List<String> answers =
          replay(
              conversation,
              framing.length,
              WHOLE,
              (turn, begin) -> {
                if (changed < begin || changed >= begin + turn.length) {
                  return turn;
                }
                byte[] flipped = turn.clone();
                flipped[changed - begin] ^= change;
                return flipped;
              });
      if (framing[place]) {
        sameOrFailed(
            recording.answers,
            answers,
            conversation + " with byte " + place + " changed by " + (change & 0xff));
      }
    }
  }

  private static void sameOrFailed(List<String> expected, List<String> answers, String when) {
    for (int i = 0; i < answers.size(); i++) {
      if (!answers.get(i).startsWith("! ")) {
        assertThat(answers.get(i)).as("%s: answer %d", when, i).isEqualTo(expected.get(i));
      }
    }
  }

  /**
   * The types and lengths of messages, and the column counts and lengths of rows. Not the length of
   * CopyData: nobody can tell that one with the next inside it is not what was meant.
   */
  private static boolean[] framing(byte[] bytes) {
    boolean[] framing = new boolean[bytes.length];
    ByteBuffer in = ByteBuffer.wrap(bytes);
    while (in.hasRemaining()) {
      int from = in.position();
      byte type = in.get();
      int end = from + 1 + in.getInt();
      Arrays.fill(framing, from, from + (type == 'd' ? 1 : 5), true);
      if (type == 'D') {
        Arrays.fill(framing, in.position(), in.position() + 2, true);
        for (int columns = in.getShort(); columns > 0; columns--) {
          Arrays.fill(framing, in.position(), in.position() + 4, true);
          int length = in.getInt();
          in.position(in.position() + Math.max(0, length));
        }
      }
      in.position(end);
    }
    return framing;
  }

  /** Says again what a server said in a SCRAM exchange, with the nonce that the client has now. */
  private static final class ScramServer {
    private String firstBare = "";
    private String serverFirst = "";
    private String finalWithoutProof = "";

    void hears(byte[] client) {
      String text = new String(client, ISO_8859_1);
      int first = text.indexOf("n,,n=,r=");
      if (first > 0) {
        firstBare = text.substring(first + 3);
      }
      int last = text.indexOf("c=biws,r=");
      if (last > 0) {
        finalWithoutProof = text.substring(last, text.indexOf(",p=", last));
      }
    }

    byte[] says(byte[] recorded) {
      String text = new String(recorded, ISO_8859_1);
      int nonce = text.indexOf("r=");
      if (recorded[0] == 'R' && nonce == 9) {
        String now = firstBare.substring("n=,r=".length());
        text = text.substring(0, 11) + now + text.substring(11 + now.length());
        serverFirst = text.substring(9);
      } else if (recorded[0] == 'R' && text.startsWith("v=", 9)) {
        int end = 1 + ByteBuffer.wrap(recorded).getInt(1);
        text = text.substring(0, 11) + signature() + text.substring(end);
      }
      return text.getBytes(ISO_8859_1);
    }

    private String signature() {
      try {
        String salt = serverFirst.substring(serverFirst.indexOf(",s=") + 3);
        int comma = salt.indexOf(",i=");
        int iterations = Integer.parseInt(salt.substring(comma + 3));
        byte[] key = serverKey(Base64.getDecoder().decode(salt.substring(0, comma)), iterations);
        String message = firstBare + "," + serverFirst + "," + finalWithoutProof;
        return Base64.getEncoder().encodeToString(hmac(key, message.getBytes(ISO_8859_1)));
      } catch (GeneralSecurityException impossible) {
        throw new AssertionError(impossible);
      }
    }

    private static byte @org.jspecify.annotations.Nullable [] known;

    private static byte[] serverKey(byte[] salt, int iterations) throws GeneralSecurityException {
      byte[] key = known; // one user, one salt
      if (key == null) {
        byte[] salted =
            javax.crypto.SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                .generateSecret(
                    new javax.crypto.spec.PBEKeySpec(
                        TestServer.USERS_PASSWORD.toCharArray(), salt, iterations, 256))
                .getEncoded();
        key = hmac(salted, "Server Key".getBytes(UTF_8));
        known = key;
      }
      return key;
    }

    private static byte[] hmac(byte[] key, byte[] message) throws GeneralSecurityException {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(message);
    }
  }
}
