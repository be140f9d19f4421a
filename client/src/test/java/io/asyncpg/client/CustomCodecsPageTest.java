package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.error.PgCodecException;
import io.asyncpg.testkit.TestServer;
import io.asyncpg.types.BuiltinTypes;
import io.asyncpg.types.Codec;
import io.asyncpg.types.CodecModule;
import io.asyncpg.types.CodecRegistry;
import io.asyncpg.types.Format;
import io.asyncpg.types.PgType;
import io.asyncpg.types.ValueReader;
import io.asyncpg.types.ValueWriter;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What docs/custom-codecs.md shows, compiled and run; the page has it from here. */
class CustomCodecsPageTest {
  private final String dsn = TestServer.shared().dsn();
  private PgConnection conn;

  @BeforeEach
  void connect() {
    conn = PgConnection.connect(dsn).await();
    conn.execute(
            """
            CREATE SCHEMA shop;
            CREATE TYPE shop.level AS ENUM ('free', 'paid');
            CREATE TYPE shop.price AS (amount numeric, currency text)
            """)
        .await();
  }

  @AfterEach
  void close() {
    conn.execute("DROP SCHEMA shop CASCADE").await();
    conn.close();
  }

  // ---- 1. A text codec for an enum-like class

  /** A level of service: those we know by name, and those that came later. */
  record Level(String label) {
    static final Level FREE = new Level("free");
    static final Level PAID = new Level("paid");

    boolean isPaid() {
      return !equals(FREE);
    }
  }

  static final class LevelCodec implements Codec<Level> {
    @Override
    public Class<Level> javaType() {
      return Level.class;
    }

    @Override
    public Format format() {
      return Format.TEXT;
    }

    @Override
    public void encode(Level value, PgType type, ValueWriter out) {
      out.writeUtf8(value.label());
    }

    @Override
    public Level decode(PgType type, ValueReader in) {
      return new Level(in.readUtf8());
    }
  }

  @Test
  void aTextCodecForAnEnumLikeClass() {
    conn.registerCodec("shop", "level", new LevelCodec()).await();
    Level level = conn.fetchValue(Level.class, "SELECT $1::shop.level", Level.PAID).await();
    Row row = conn.fetchRow("SELECT ARRAY['free', 'paid']::shop.level[]").await().orElseThrow();
    assertThat(level.isPaid()).isTrue();
    assertThat(row.get(0)).isEqualTo(List.of(Level.FREE, Level.PAID));

    conn.resetCodec("shop", "level").await();
    assertThat(conn.fetchRow("SELECT 'free'::shop.level").await().orElseThrow().get(0))
        .isEqualTo("free");
  }

  // ---- 2. A binary codec for a composite type

  record Price(BigDecimal amount, String currency) {}

  static final class PriceCodec implements Codec<Price> {
    @SuppressWarnings("unchecked")
    private static final Codec<BigDecimal> AMOUNT =
        (Codec<BigDecimal>)
            CodecRegistry.standard().decoder(BuiltinTypes.NUMERIC, BigDecimal.class);

    @SuppressWarnings("unchecked")
    private static final Codec<String> CURRENCY =
        (Codec<String>) CodecRegistry.standard().decoder(BuiltinTypes.TEXT, String.class);

    @Override
    public Class<Price> javaType() {
      return Price.class;
    }

    // How many attributes; then for each the OID of its type, its length, and its value.
    @Override
    public void encode(Price price, PgType type, ValueWriter out) {
      out.writeInt(2);
      out.writeInt(BuiltinTypes.NUMERIC.oid());
      out.writeValue(AMOUNT, price.amount(), BuiltinTypes.NUMERIC);
      out.writeInt(BuiltinTypes.TEXT.oid());
      out.writeValue(CURRENCY, price.currency(), BuiltinTypes.TEXT);
    }

    @Override
    public Price decode(PgType type, ValueReader in) {
      if (in.readInt() != 2) {
        throw new PgCodecException(type.displayName() + " has two attributes no longer");
      }
      in.readInt(); // numeric
      BigDecimal amount = in.readValue(AMOUNT, BuiltinTypes.NUMERIC);
      in.readInt(); // text
      String currency = in.readValue(CURRENCY, BuiltinTypes.TEXT);
      if (amount == null || currency == null) {
        throw new PgCodecException("a price without amount or currency");
      }
      return new Price(amount, currency);
    }
  }

  @Test
  void aBinaryCodecForACompositeType() {
    PgConfig config =
        PgConfig.parse(dsn).toBuilder().codec("shop", "price", new PriceCodec()).build();
    try (PgConnection shop = PgConnection.connect(config).await()) {
      Price price = new Price(new BigDecimal("9.90"), "EUR");
      Row row = shop.fetchRow("SELECT $1::shop.price, ARRAY[$1]", price).await().orElseThrow();
      assertThat(row.get(0)).isEqualTo(price);
      assertThat(row.get(1)).isEqualTo(List.of(price));
    }
  }

  // ---- 3. A module for an open family

  /** A key of a table; each table has a record of its own. */
  interface Key {
    long value();
  }

  record CustomerKey(long value) implements Key {}

  record OrderKey(long value) implements Key {}

  /** Every record that is a Key, wherever the server has an int8. */
  static final class Keys implements CodecModule {
    @Override
    public @Nullable Codec<?> codec(PgType type, @Nullable Type javaType) {
      return type.equals(BuiltinTypes.INT8)
              && javaType instanceof Class<?> key
              && key.isRecord()
              && Key.class.isAssignableFrom(key)
          ? new KeyCodec<>(key.asSubclass(Key.class))
          : null;
    }
  }

  record KeyCodec<K extends Key>(Class<K> javaType) implements Codec<K> {
    @Override
    public void encode(K key, PgType type, ValueWriter out) {
      out.writeLong(key.value());
    }

    @Override
    public K decode(PgType type, ValueReader in) {
      long value = in.readLong();
      try {
        return javaType.getDeclaredConstructor(long.class).newInstance(value);
      } catch (ReflectiveOperationException closed) {
        throw new PgCodecException(javaType.getName() + " cannot be made", closed);
      }
    }
  }

  @Test
  void aModuleForAnOpenFamily() {
    record Placed(OrderKey id, CustomerKey customer, long cents) {}
    PgConfig config = PgConfig.parse(dsn).toBuilder().codecs(new Keys()).build();
    try (PgConnection shop = PgConnection.connect(config).await()) {
      String sql = "SELECT $1::int8 AS id, $2::int8 AS customer, 990::int8 AS cents";
      Placed order =
          shop.fetchRow(Placed.class, sql, new OrderKey(7), new CustomerKey(3))
              .await()
              .orElseThrow();
      assertThat(order).isEqualTo(new Placed(new OrderKey(7), new CustomerKey(3), 990));
    }
  }

  // ---- As another type

  @Test
  void aTypeThatTravelsAsAnother() {
    conn.registerCodec("shop", "level", BuiltinTypes.TEXT, Format.TEXT).await();
    assertThat(conn.fetchValue(char[].class, "SELECT 'free'::shop.level").await())
        .containsExactly("free".toCharArray());
  }

  @Test
  void everySnippetOfThePageStandsInThisFile() throws Exception {
    String here =
        plain(
            Files.readString(Path.of("src/test/java/io/asyncpg/client/CustomCodecsPageTest.java")));
    String page = Files.readString(Path.of("../docs/custom-codecs.md"));
    Matcher snippet = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(page);
    int snippets = 0;
    while (snippet.find()) {
      snippets++;
      assertThat(here).contains(plain(Objects.requireNonNull(snippet.group(1))));
    }
    assertThat(snippets).isGreaterThanOrEqualTo(7);
  }

  /** Without indentation and blank lines. */
  private static String plain(String source) {
    return source
        .lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .collect(Collectors.joining("\n"));
  }
}
