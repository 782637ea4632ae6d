"""boto3 through every operation of Cognito identity pools. Fails where a test does, or where an operation of the service's model that
boto3 ships was not answered."""

import sys
import unittest

import boto3

import broker
import scene


def main():
    print(f"boto3 {boto3.__version__}, Python {sys.version.split()[0]}", flush=True)
    scene.running = broker.Broker()
    try:
        tests = unittest.defaultTestLoader.discover(".")
        result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(tests)
        missing = set(scene.client("cognito-identity").meta.service_model.operation_names) - scene.ANSWERED
    finally:
        scene.running.stop()
    if missing:
        print("not answered, or not asked:", ", ".join(sorted(missing)))
    return 0 if result.wasSuccessful() and not missing and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
