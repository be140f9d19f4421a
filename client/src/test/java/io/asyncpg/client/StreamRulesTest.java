package io.asyncpg.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.asyncpg.testkit.TestServer;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;
import org.testng.TestListenerAdapter;
import org.testng.TestNG;
import org.testng.annotations.AfterClass;
import org.testng.annotations.BeforeClass;

/** The rules of reactive streams, as their own compatibility kit checks them. */
class StreamRulesTest {

  @Test
  void theRulesOfReactiveStreamsAreKept() {
    TestNG kit = new TestNG(false);
    TestListenerAdapter results = new TestListenerAdapter();
    kit.setVerbose(0);
    kit.addListener(results);
    kit.setTestClasses(new Class<?>[] {Rules.class});
    kit.run();
    assertThat(results.getFailedTests())
        .as(
            () ->
                String.valueOf(
                    results.getFailedTests().stream()
                        .map(r -> r.getName() + ": " + r.getThrowable())
                        .toList()))
        .isEmpty();
    assertThat(results.getConfigurationFailures()).isEmpty();
    assertThat(results.getPassedTests()).hasSizeGreaterThan(20);
  }

  /** Run by the kit. */
  public static final class Rules extends FlowPublisherVerification<Row> {
    private PgConnection connection;

    /** Made by TestNG. */
    public Rules() {
      super(new TestEnvironment(2000, 200));
    }

    /** Each publisher has a connection's turn to itself; a reader that stays must not hold it. */
    @BeforeClass
    public void connect() {
      connection = PgConnection.connect(TestServer.shared().dsn()).await();
    }

    @AfterClass
    public void close() {
      connection.terminate();
      connection.closed().await();
    }

    @Override
    public long maxElementsFromPublisher() {
      return 1_000_000;
    }

    @Override
    public Flow.Publisher<Row> createFlowPublisher(long elements) {
      connection.terminate();
      connection.closed().await();
      connect();
      return connection.stream("SELECT generate_series(1, $1::int8)", elements).fetchSize(10);
    }

    @Override
    public Flow.Publisher<Row> createFailedFlowPublisher() {
      RowStream read = connection.stream("SELECT 1");
      read.close();
      return read;
    }
  }
}
