package io.asyncpg.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.client.CopyOptions;
import io.asyncpg.client.CopySink;
import io.asyncpg.client.CopySource;
import io.asyncpg.client.PgClient;
import io.asyncpg.client.PgConfig;
import io.asyncpg.client.PgConnection;
import io.asyncpg.client.PgFuture;
import io.asyncpg.client.Row;
import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls for which there is no connection, and subscribers that throw. */
@Timeout(60)
class UnservedCallTest {
  private final PgPool pool =
      PgPool.create(
          PoolConfig.builder()
              .connection(PgConfig.parse(TestServer.shared().dsn()))
              .minSize(0)
              .maxSize(1)
              .build());
  private final PgClient impatient = pool.withTimeout(Duration.ofMillis(20));
  private PgConnection held;

  @BeforeEach
  void hold() {
    held = pool.acquire().await();
  }

  @AfterEach
  void close() {
    pool.terminate();
    pool.closed().await();
  }

  private static final class Watched extends FilterInputStream {
    private final CompletableFuture<Void> closed = new CompletableFuture<>();

    Watched() {
      super(new ByteArrayInputStream(new byte[] {'1', '\n'}));
    }

    @Override
    public void close() throws IOException {
      super.close();
      closed.complete(null);
    }
  }

  @Test
  void theSourceOfACopyIsClosed() {
    Watched unserved = new Watched();
    assertThatThrownBy(
            () -> impatient.copyToTable("t", CopySource.from(unserved), CopyOptions.text()).await())
        .isInstanceOf(PgTimeoutException.class);
    unserved.closed.orTimeout(20, TimeUnit.SECONDS).join();
    Watched late = new Watched();
    assertThatThrownBy(
            () ->
                pool.withTimeout(Duration.ZERO)
                    .copyToTable("t", CopySource.from(late), CopyOptions.text())
                    .await())
        .isInstanceOf(PgTimeoutException.class);
    late.closed.orTimeout(20, TimeUnit.SECONDS).join();
    Watched cancelled = new Watched();
    PgFuture<?> copy = pool.copyToTable("t", CopySource.from(cancelled), CopyOptions.text());
    assertThat(copy.cancel(true)).isTrue();
    cancelled.closed.orTimeout(20, TimeUnit.SECONDS).join();
  }

  @Test
  void aStreamOfRowsIsClosed() {
    CompletableFuture<Void> closed = new CompletableFuture<>();
    assertThatThrownBy(
            () ->
                impatient
                    .executeMany(
                        "SELECT $1::int",
                        Stream.of(List.of(1)).onClose(() -> closed.complete(null)))
                    .await())
        .isInstanceOf(PgTimeoutException.class);
    closed.orTimeout(20, TimeUnit.SECONDS).join();
  }

  /** Fails with what it is told, and throws at a row. */
  private static final class Told<T> implements Flow.Subscriber<T> {
    private final CompletableFuture<Throwable> told = new CompletableFuture<>();

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(10);
    }

    @Override
    public void onNext(T next) {
      throw new IllegalStateException("a subscriber that throws");
    }

    @Override
    public void onError(Throwable failure) {
      told.complete(failure);
    }

    @Override
    public void onComplete() {
      told.completeExceptionally(new AssertionError("the end"));
    }
  }

  @Test
  void theSubscriberOfACopyIsTold() {
    Told<ByteBuffer> subscriber = new Told<>();
    assertThatThrownBy(
            () -> impatient.copyFromTable("t", CopySink.to(subscriber), CopyOptions.text()).await())
        .isInstanceOf(PgTimeoutException.class);
    assertThat(subscriber.told.orTimeout(20, TimeUnit.SECONDS).join())
        .isInstanceOf(PgTimeoutException.class);
    Told<ByteBuffer> patient = new Told<>();
    PgFuture<?> copy =
        pool.copyFromQuery("SELECT 1", List.of(), CopySink.to(patient), CopyOptions.text());
    assertThat(copy.cancel(true)).isTrue();
    assertThat(patient.told.orTimeout(20, TimeUnit.SECONDS).join())
        .isInstanceOf(CancellationException.class);
  }

  @Test
  void aSubscriberThatThrowsHasItsConnectionGivenBack() {
    held.close();
    Told<Row> subscriber = new Told<>();
    pool.stream("SELECT generate_series(1, 100000)").subscribe(subscriber);
    assertThat(pool.fetchValue(int.class, "SELECT 2").await()).isEqualTo(2);
    assertThat(subscriber.told).isNotDone();
  }

  @Test
  @SuppressWarnings("NullAway") // for that is what it is about
  void nullIsRefusedBeforeAnybodyIsAskedForAConnection() {
    assertThatNullPointerException()
        .isThrownBy(() -> pool.execute(null))
        .withMessageContaining("SQL");
    assertThatNullPointerException()
        .isThrownBy(() -> pool.fetch("SELECT $1", (Object[]) null))
        .withMessageContaining("write (Object) null");
    assertThatNullPointerException().isThrownBy(() -> pool.stream(null));
    assertThatNullPointerException().isThrownBy(() -> pool.withConnection(null));
    assertThatNullPointerException().isThrownBy(() -> pool.transaction(null));
    assertThatNullPointerException()
        .isThrownBy(() -> pool.copyToTable("t", null, CopyOptions.text()));
    assertThatNullPointerException()
        .isThrownBy(() -> pool.copyFromTable("t", null, CopyOptions.text()));
  }
}
