package io.asyncpg.client.session;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PatienceTest {
  private final Patience patience = new Patience();

  /** How many answers pass until it is there again. */
  private int pause() {
    int answers = 0;
    while (patience.isExhausted()) {
      patience.answered();
      answers++;
    }
    return answers;
  }

  @Test
  void itIsThereAtFirst() {
    assertThat(patience.isExhausted()).isFalse();
    patience.answered();
    assertThat(patience.isExhausted()).isFalse();
  }

  @Test
  void eachDisappointmentLastsTwiceAsLong() {
    for (int expected = 1; expected <= 1 << 16; expected *= 2) {
      patience.disappointed();
      assertThat(pause()).isEqualTo(expected);
    }
    patience.disappointed();
    assertThat(pause()).as("but not for ever").isEqualTo(1 << 16);
  }

  @Test
  void itComesBackWhereLongNothingDisappoints() {
    for (int i = 0; i < 4; i++) {
      patience.disappointed();
      pause();
    }
    for (int i = 0; i < 16 * 16; i++) {
      patience.answered();
    }
    patience.disappointed();
    assertThat(pause()).as("not 16").isEqualTo(8);
  }

  @Test
  void answersThatAreOftenLateCostLittle() {
    int waitedInVain = 0;
    for (int i = 0; i < 100_000; i++) {
      if (!patience.isExhausted() && i % 3 == 0) {
        patience.disappointed();
        waitedInVain++;
      }
      patience.answered();
    }
    assertThat(waitedInVain).isBetween(10, 20);
  }
}
