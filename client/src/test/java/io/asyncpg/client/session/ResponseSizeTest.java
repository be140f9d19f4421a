package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class ResponseSizeTest {
  private static final long LONG = 1_000_000;

  private final ResponseSize size = new ResponseSize();

  private void add(int times, long bytes) {
    for (int i = 0; i < times; i++) {
      size.add(bytes);
    }
  }

  @Test
  void nothingIsExpectedBeforeEnoughAnswers() {
    add(ResponseSize.ANSWERS_NEEDED - 1, LONG);
    assertThat(size.expected()).isZero();
    size.add(LONG);
    assertThat(size.expected()).isEqualTo(LONG);
  }

  @Test
  void theLeastOfThemIsExpected() {
    add(3, LONG);
    size.add(LONG - 5_000);
    add(ResponseSize.ANSWERS_NEEDED, LONG);
    assertThat(size.expected()).isEqualTo(LONG - 5_000);
    size.add(LONG - 7_000);
    assertThat(size.expected()).as("a little less is not waited for").isEqualTo(LONG - 7_000);
    add(2 * ResponseSize.ANSWERS_NEEDED, LONG);
    assertThat(size.expected()).as("what was long ago").isEqualTo(LONG);
  }

  @Test
  void whatDisappointsHasToBeOfOneSizeForTwiceAsLong() {
    add(ResponseSize.ANSWERS_NEEDED, LONG);
    for (int needed = 2 * ResponseSize.ANSWERS_NEEDED; needed < 1_000; needed *= 2) {
      size.add(LONG - LowWaterMark.LAST - 1);
      assertThat(size.expected()).isZero();
      add(needed - 2, LONG);
      assertThat(size.expected()).as("after %s", needed - 1).isZero();
      size.add(LONG);
      assertThat(size.expected()).isEqualTo(LONG - LowWaterMark.LAST - 1);
      add(needed, LONG);
      assertThat(size.expected()).isEqualTo(LONG);
    }
  }

  @Test
  void aStatementWhoseAnswersDifferDisappointsAFewTimes() {
    Random random = new Random(7);
    int disappointed = 0;
    for (int i = 0; i < 100_000; i++) {
      long next = random.nextInt(100) == 0 ? 100 : LONG;
      if (next < size.expected() - LowWaterMark.LAST) {
        disappointed++;
      }
      size.add(next);
    }
    assertThat(disappointed).isBetween(1, 10);
  }
}
