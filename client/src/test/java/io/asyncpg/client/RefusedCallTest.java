package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.asyncpg.error.PgTimeoutException;
import io.asyncpg.testkit.TestServer;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a call was given that is refused before anything is sent: closed, or told. */
@Timeout(60)
class RefusedCallTest {
  private final PgConnection connection = PgConnection.connect(TestServer.shared().dsn()).await();

  @AfterEach
  void close() {
    connection.terminate();
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

  private void give(InputStream bytes, PgClient to) {
    to.copyToTable("t", CopySource.from(bytes), CopyOptions.text()).await();
  }

  @Test
  void theSourceOfACopyIsClosed() {
    Watched late = new Watched();
    assertThatThrownBy(() -> give(late, connection.withTimeout(Duration.ZERO)))
        .isInstanceOf(PgTimeoutException.class);
    late.closed.orTimeout(20, TimeUnit.SECONDS).join();
    Watched unfit = new Watched();
    assertThatThrownBy(
            () ->
                connection
                    .copyToTable("t", CopySource.from(unfit), CopyOptions.csv().forceQuote("a"))
                    .await())
        .isInstanceOf(IllegalArgumentException.class);
    unfit.closed.orTimeout(20, TimeUnit.SECONDS).join();
    connection.close();
    Watched closed = new Watched();
    assertThatIllegalStateException().isThrownBy(() -> give(closed, connection));
    closed.closed.orTimeout(20, TimeUnit.SECONDS).join();
  }

  @Test
  void aStreamOfRowsIsClosed() {
    connection.close();
    CompletableFuture<Void> effects = new CompletableFuture<>();
    CompletableFuture<Void> rows = new CompletableFuture<>();
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                connection
                    .executeMany(
                        "SELECT $1::int",
                        Stream.of(List.of(1)).onClose(() -> effects.complete(null)))
                    .await());
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                connection
                    .fetchMany(
                        "SELECT $1::int", Stream.of(List.of(1)).onClose(() -> rows.complete(null)))
                    .await());
    effects.orTimeout(20, TimeUnit.SECONDS).join();
    rows.orTimeout(20, TimeUnit.SECONDS).join();
  }

  @Test
  void theSubscriberOfACopyIsTold() {
    connection.close();
    for (boolean query : new boolean[] {false, true}) {
      CompletableFuture<Throwable> told = new CompletableFuture<>();
      Flow.Subscriber<ByteBuffer> subscriber =
          new Flow.Subscriber<>() {
            private boolean subscribed;

            @Override
            public void onSubscribe(Flow.Subscription subscription) {
              subscribed = true;
              subscription.request(1);
            }

            @Override
            public void onNext(ByteBuffer chunk) {
              told.completeExceptionally(new AssertionError("a chunk"));
            }

            @Override
            public void onError(Throwable failure) {
              assertThat(subscribed).isTrue();
              told.complete(failure);
            }

            @Override
            public void onComplete() {
              told.completeExceptionally(new AssertionError("the end"));
            }
          };
      assertThatIllegalStateException()
          .isThrownBy(
              () ->
                  (query
                          ? connection.copyFromQuery(
                              "SELECT 1", List.of(), CopySink.to(subscriber), CopyOptions.text())
                          : connection.copyFromTable(
                              "t", CopySink.to(subscriber), CopyOptions.text()))
                      .await());
      assertThat(told.orTimeout(20, TimeUnit.SECONDS).join())
          .isInstanceOf(IllegalStateException.class);
    }
  }
}
