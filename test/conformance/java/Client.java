import com.amazonaws.auth.DefaultAWSCredentialsProviderChain;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.securitytoken.AWSSecurityTokenService;
import com.amazonaws.services.securitytoken.AWSSecurityTokenServiceClientBuilder;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.sts.StsClient;

/** Makes one signed request for each line of its input, through one client of an SDK for Java. */
public class Client {
    /** Opens a client. What it returns makes a request. */
    static Runnable open(String name, String profile, String endpoint, String bucket) {
        switch (name) {
            case "v1": // its profile is that of AWS_PROFILE
                AWSSecurityTokenService v1 = AWSSecurityTokenServiceClientBuilder.standard()
                        .withCredentials(new DefaultAWSCredentialsProviderChain())
                        .withEndpointConfiguration(new EndpointConfiguration(endpoint, "us-east-1"))
                        .build();
                return () -> v1.getCallerIdentity(new GetCallerIdentityRequest());
            case "crt":
                S3AsyncClient s3 = S3AsyncClient.crtBuilder()
                        .credentialsProvider(chain(profile))
                        .endpointOverride(URI.create(endpoint))
                        .forcePathStyle(true)
                        .region(Region.US_EAST_1)
                        .build();
                return () -> s3.listObjectsV2(r -> r.bucket(bucket)).join();
            default:
                StsClient sts = StsClient.builder()
                        .credentialsProvider(chain(profile))
                        .endpointOverride(URI.create(endpoint))
                        .region(Region.US_EAST_1)
                        .build();
                return sts::getCallerIdentity;
        }
    }

    static AwsCredentialsProvider chain(String profile) {
        DefaultCredentialsProvider.Builder builder = DefaultCredentialsProvider.builder();
        return (profile.isEmpty() ? builder : builder.profileName(profile)).build();
    }

    /** Opens so many clients at once, each with credentials of its own. */
    static Runnable crowd(int size, String[] args) {
        Executor threads = Executors.newFixedThreadPool(size);
        Runnable one = () -> open(args[0], args[1], args[2], args[3]).run();
        return () -> CompletableFuture.allOf(
                Stream.generate(() -> CompletableFuture.runAsync(one, threads)).limit(size).toArray(CompletableFuture[]::new)).join();
    }

    /** Returns what a stack trace has of messages. */
    static String messages(Throwable e) {
        return e == null ? "" : e.getMessage() + ": " + messages(e.getCause());
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        String crowd = System.getenv("CONFORMANCE_CROWD");
        Runnable ask = null;
        while (in.readLine() != null) {
            try {
                if (ask == null) {
                    ask = crowd == null ? open(args[0], args[1], args[2], args[3]) : crowd(Integer.parseInt(crowd), args);
                }
                ask.run();
                System.out.println("ok");
            } catch (Exception e) {
                System.out.println("error " + messages(e).replaceAll("\\s+", " "));
            }
        }
        System.exit(0); // the clients' own threads may live on
    }
}
