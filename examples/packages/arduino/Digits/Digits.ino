// Recognises a pattern with the library that bitloom wrote, and prints scores and class on the serial port.
#include "recognise.h"

static void put(char c) {
  Serial.write(c);
}

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
  recognise_pattern(put);
}

void loop() {
}
